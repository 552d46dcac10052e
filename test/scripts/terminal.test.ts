import { expect, it } from 'vitest';
import { screenAfter, textOf } from '../../scripts/screen.ts';
import { onTerminal } from '../../scripts/terminal.ts';

const ASKS = `test -t 0 && test -t 2 || exit 9
for what in Cut Paste; do printf '%s? [y/N] ' $what; read -r said || exit 3; echo "said $said"; done
exit 5`;

const run = (answers: string[]): ReturnType<typeof onTerminal> =>
  onTerminal(['sh', '-c', ASKS], { env: process.env, answers });

it('a command on a terminal is answered once for each question', async () => {
  const { code, output } = await run(['y', 'n']);
  expect([code, textOf(screenAfter(output))]).toEqual([5, 'Cut? [y/N] y\nsaid y\nPaste? [y/N] n\nsaid n']);
});

it('a question that nobody has an answer for ends the input', async () => {
  expect((await run(['y'])).code).toBe(3);
});

it('an answer that nobody asked for is a mistake', async () => {
  await expect(run(['y', 'n', 'y'])).rejects.toThrow('nobody asked for y');
});
