import { describe, expect, it } from 'vitest';
import { overlay } from '../e2e/support/mcpk.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { heal, note, SCHEDULER } from './support/prove.ts';
import { Running } from '../e2e/support/running.ts';
import { FULL } from '../support/tier.ts';

startFrom('ready');

const TIMES = FULL ? 20 : 3;

describe('two applies at once', () => {
  it(`${String(TIMES)} times: one does the work, the other says who does and leaves`, async () => {
    let last = '';
    for (let time = 0; time < TIMES; time += 1) {
      last = await overlay(SCHEDULER(time));
      const both = [0, 1].map(() => new Running(['apply', '--yes'], [last]));
      const said = await Promise.all(both.map((run) => run.end()));
      const codes = said.map(({ code }) => code).toSorted((a, b) => a - b);
      // The second one may also come when the first is done.
      expect([[0, 0].join(), [0, 13].join()], said.map(({ stderr }) => stderr).join('\n---\n')).toContain(codes.join());
      for (const { code, stderr, stdout } of said) if (code === 13) expect(stdout + stderr).toMatch(/pid \d+/);
    }
    const fault = `two applies at once, ${String(TIMES)} times`;
    await note({ fault, code: '0 and 13', message: '', recovered: await heal(last) });
  });
});
