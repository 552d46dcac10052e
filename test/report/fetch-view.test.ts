import { stripVTControlCharacters } from 'node:util';
import { expect, it, vi } from 'vitest';
import type { Progress } from '../../src/artifacts/types.ts';
import { fetchView, type FetchViewOptions } from '../../src/report/fetch-view.ts';
import { PLAIN } from '../../src/report/theme.ts';

const MB = 1_000_000;
const of = (file: string, received: number, more: Partial<Progress> = {}): Progress => ({
  file,
  files: 2,
  received: received * MB,
  total: 80 * MB,
  isThere: false,
  ...more,
});

function watched(live: boolean, over?: FetchViewOptions['over']) {
  let at = 0;
  let text = '';
  const write = (part: string): void => void (text += part);
  const theme = { ...PLAIN, columns: 30 };
  const view = fetchView({ stream: { isTTY: live, write }, theme, live, over, note: write, now: () => at });
  const tell = (seconds: number, progress: Progress): void => {
    at = seconds * 1000;
    view.tell(progress);
  };
  return { tell, end: view.end, text: () => stripVTControlCharacters(text).replaceAll('\r', '') };
}

it('writes a line for each file that is there, and how much it is when none was for ten seconds', () => {
  const { tell, end, text } = watched(false);
  tell(1, of('kubelet', 20));
  tell(10, of('kubectl', 10, { total: 0 }));
  tell(11, of('kubelet', 40));
  tell(19, of('kubelet', 80, { isThere: true }));
  tell(28, of('kubectl', 60, { total: 0 }));
  tell(29, of('kubectl', 70, { total: 0 }));
  tell(30, of('kubectl', 80, { isThere: true }));
  end();
  expect(text()).toBe('0 of 2 files, 30 MB\nkubelet: 80 MB\n1 of 2 files, 150 MB\nkubectl: 80 MB\n');
});

it('redraws on a terminal what is under way, cut to its width, and leaves the files that are there', () => {
  const { tell, end, text } = watched(true);
  tell(1, of('kube-controller-manager', 20));
  expect(text()).toBe('kube-controller-manager: 20 M…\n0 of 2 files, 20 MB\n');
  tell(1.05, of('kubelet', 10));
  expect(text()).not.toContain('kubelet');
  tell(2, of('kubelet', 40));
  expect(text()).toContain('kubelet: 40 MB of 80 MB, 50 %\n0 of 2 files, 60 MB\n');
  tell(3, of('kubelet', 80, { isThere: true }));
  end();
  expect(text()).toContain('\nkubelet: 80 MB\nkube-controller-manager: 20 M…\n');
});

it('draws nothing where nothing is fetched', () => {
  const { end, text } = watched(true);
  end();
  expect(text()).toBe('');
});

it('has the terminal of a run for as long as something is fetched', () => {
  const over = { pause: vi.fn<() => void>(), resume: vi.fn<() => void>() };
  const { tell, end } = watched(true, over);
  expect(over.pause).not.toHaveBeenCalled();
  for (const seconds of [0, 1]) tell(seconds, of('kubelet', 40));
  expect([over.pause.mock.calls.length, over.resume.mock.calls.length]).toEqual([1, 0]);
  end();
  expect([over.pause.mock.calls.length, over.resume.mock.calls.length]).toEqual([1, 1]);
});
