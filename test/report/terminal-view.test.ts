import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../src/report/theme.ts';
import { createView } from '../../src/report/view.ts';

function terminal(): { isTTY: true; columns: number; rows: number; text: string; write(part: string): void } {
  return {
    isTTY: true,
    columns: 70,
    rows: 10,
    text: '',
    write(part) {
      this.text += part;
    },
  };
}

describe('the view on a terminal', () => {
  it('leaves a line for each stage that began, and the cursor visible', async () => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    view.emit({
      at: 0,
      type: 'run-start',
      command: 'apply',
      cluster: 'lab',
      hosts: ['m1'],
      stages: [
        { name: 'etcd', title: 'etcd', hosts: ['m1'] },
        { name: 'api-server', title: 'API', hosts: ['m1'] },
      ],
    });
    view.emit({ at: 1, type: 'stage-start', stage: 'etcd', hosts: ['m1'] });
    view.emit({ at: 2, type: 'warning', message: 'look here' });
    view.emit({ at: 3, type: 'stage-end', stage: 'etcd', status: 'unchanged', ms: 1200, changed: 0 });
    await view.end();
    const lines = stripVTControlCharacters(stream.text).replaceAll('\r', '').trimEnd().split('\n');
    expect(lines.at(-1)).toBe('✔ etcd           1/1      1.2 s');
    expect(stream.text).toContain('! look here\n');
    expect(stream.text.trimEnd().endsWith('\u001b[?25h')).toBe(true);
  });

  it('draws nothing while a question is asked', async () => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    view.emit({ at: 0, type: 'run-start', command: 'apply', cluster: 'lab', hosts: ['m1'], stages: [] });
    view.pause();
    const before = stream.text;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(stream.text).toBe(before);
    view.resume();
    await view.end();
  });
});
