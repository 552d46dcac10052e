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
  top: number;
}

/** Appended for the test alone: writes down where each row's bar was drawn, in shares of its track. */
const READER = `<pre id="drawn"></pre><script>
// By then the browser has gone to the place that the address names.
addEventListener('load', () => requestAnimationFrame(() => {
const rows = [...document.querySelectorAll('.lane a,summary,li[tabindex]')].map((row) => {
  const isBar = row.matches('a');
  const bar = (isBar ? row : row.querySelector('.track .bar') ?? row).getBoundingClientRect();
  const track = (isBar ? row.parentElement : row.querySelector('.track') ?? row).getBoundingClientRect();
  row.focus();
  return {
    said: row.title || row.textContent.trim(),
    top: bar.top,
    left: (bar.left - track.left) / track.width,
    width: bar.width / track.width,
    seen: row.checkVisibility(),
    focusable: document.activeElement === row,
  };
});
const ink = getComputedStyle(document.body);
document.getElementById('drawn').textContent = JSON.stringify({ rows, text: ink.color, back: ink.backgroundColor });
}));
</script>`;

/** Now and then the browser prints the page before its first frame, in which the reader writes: then it is asked again. */
async function written(words: readonly string[]): Promise<string> {
  let json = '';
  for (let tries = 0; json === '' && tries < 10; tries += 1) {
    const { stdout } = await promisify(execFile)('chromium', words);
    json = /<pre id="drawn">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '';
  }
  return json;
}

async function draw(scheme: 'light' | 'dark', fragment = ''): Promise<{ rows: Drawn[]; text: string; back: string }> {
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
  const json = await written([...flags, '--virtual-time-budget=1000', '--dump-dom', `file://${file}${fragment}`]);
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
  const stage = rows.find(({ said }) => /^etcd: .* after /.test(said));
  expect(stage?.said).toContain('on the critical path, failed, after system, certificates');
  const said = rows.filter(({ seen }) => seen).map((row) => row.said.split(':')[0]);
  expect(said).toEqual([
    // A lane for the critical path, one for each host.
    ...['reading', 'system', 'etcd'],
    ...['reading on m1', 'system on m1', 'etcd on m1'],
    'etcd on m2',
    // Closed, but for what failed.
    ...['reading', 'system', 'etcd'],
    ...['upload, m2 2.0 MB of binaries', 'step, m1 move the leader', 'gate, members are healthy'],
    'round trips',
  ]);
  expect(rows.filter(({ seen }) => seen).every(({ focusable }) => focusable)).toBe(true);
  const lane = rows.find(({ said: text }) => text === 'etcd on m2: 200 ms from 450 ms, on the critical path');
  expect(lane?.left).toBeCloseTo(450 / 900, 2);
  expect(lane?.width).toBeCloseTo(200 / 900, 2);
});

it('opens the stage that a bar of a lane leads to', async () => {
  const resource = (rows: Drawn[]): Drawn | undefined => rows.find(({ said }) => said.startsWith('1 resource of less'));
  expect(resource((await draw('light')).rows)?.seen).toBe(false);
  expect(resource((await draw('light', '#stage-1')).rows)?.seen).toBe(true);
});

it('is dark where the reader wants it dark', async () => {
  const [light, dark] = [await draw('light'), await draw('dark')];
  expect([light.back, dark.back]).toEqual(['rgb(255, 255, 255)', 'rgb(13, 17, 23)']);
  expect(light.text).not.toBe(dark.text);
});
