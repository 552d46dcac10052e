import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { timelinePage } from '../../src/report/timeline-page.ts';
import { timelineOf } from '../../src/report/timeline.ts';
import { EVENTS } from '../fixtures/run-events.ts';

interface Drawn {
  said: string;
  left: number;
  width: number;
  seen: boolean;
  focusable: boolean;
}

/** Appended for the test alone: writes down where each row's bar was drawn, in shares of its track. */
const READER = `<pre id="drawn"></pre><script>
const rows = [...document.querySelectorAll('summary,li[tabindex]')].map((row) => {
  const bar = row.querySelector('.track .bar').getBoundingClientRect();
  const track = row.querySelector('.track').getBoundingClientRect();
  row.focus();
  return {
    said: row.title,
    left: (bar.left - track.left) / track.width,
    width: bar.width / track.width,
    seen: row.checkVisibility(),
    focusable: document.activeElement === row,
  };
});
const ink = getComputedStyle(document.body);
document.getElementById('drawn').textContent = JSON.stringify({ rows, text: ink.color, back: ink.backgroundColor });
</script>`;

async function draw(scheme: 'light' | 'dark'): Promise<{ rows: Drawn[]; text: string; back: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-timeline-'));
  const file = join(folder, 'run.html');
  await writeFile(file, timelinePage(timelineOf(EVENTS)).replace('</body>', `${READER}</body>`));
  const look = `--blink-settings=preferredColorScheme=${scheme === 'dark' ? '0' : '1'}`;
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${folder}`,
    look,
    '--window-size=1280,900',
  ];
  const { stdout } = await promisify(execFile)('chromium', [...flags, '--dump-dom', `file://${file}`]);
  const json = /<pre id="drawn">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '';
  return JSON.parse(json.replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&')) as {
    rows: Drawn[];
    text: string;
    back: string;
  };
}

it('is drawn by a browser: each bar where its time is, each row within reach of the keyboard', async () => {
  const { rows } = await draw('light');
  const gate = rows.find(({ said }) => said.startsWith('gate'));
  expect(gate?.said).toBe('gate, members are healthy: 250 ms from 650 ms, failed');
  expect(gate?.left).toBeCloseTo(650 / 900, 2);
  expect(gate?.width).toBeCloseTo(250 / 900, 2);
  const stage = rows.find(({ said }) => said.startsWith('etcd'));
  expect(stage?.said).toContain('on the critical path, failed, after system, certificates');
  const open = rows.filter(({ seen }) => seen);
  expect(open.map(({ said }) => said.split(',')[0]?.split(':')[0])).toEqual([
    'reading',
    'connect',
    'round trip',
    'system',
    'resource',
    'etcd',
    'upload',
    'step',
    'gate',
    'round trips',
  ]);
  expect(open.every(({ focusable }) => focusable)).toBe(true);
});

it('is dark where the reader wants it dark', async () => {
  const [light, dark] = [await draw('light'), await draw('dark')];
  expect([light.back, dark.back]).toEqual(['rgb(255, 255, 255)', 'rgb(13, 17, 23)']);
  expect(light.text).not.toBe(dark.text);
});
