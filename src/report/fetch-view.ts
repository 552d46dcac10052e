import type { Progress } from '../artifacts/types.ts';
import { counted, size } from './figures.ts';
import { liveRegion, type LiveRegion } from './live-region.ts';
import { clean, type Theme } from './theme.ts';
import type { View, ViewStream } from './view.ts';
import { truncate } from './wrap.ts';

/** Tells how far downloads are. Nothing may be told after the end. */
export interface FetchView {
  tell: (progress: Progress) => void;
  /** A line besides. */
  say: (line: string) => void;
  end: () => void;
}

export interface FetchViewOptions {
  stream: ViewStream;
  theme: Theme;
  /** Redrawn in place; else a line for each file that is there. */
  live: boolean;
  /** What has the terminal else: of a run that fetches. */
  over?: Pick<View, 'pause' | 'resume'> | undefined;
  /** Writes a line to stay, where it is not live. */
  note: (line: string) => void;
  /** ms of any clock that only goes on. */
  now?: () => number;
}

/** Between two pictures. */
const FRAME_MS = 100;
/** Where nothing is redrawn, somebody who waits reads after so long that it still goes on. */
const SILENCE_MS = 10_000;

export function fetchView(options: FetchViewOptions): FetchView {
  const { stream, theme, live, over, note, now = () => performance.now() } = options;
  const running = new Map<string, Progress>();
  const done = { files: 0, bytes: 0 };
  // The first picture is drawn at once: the second piece may be long in coming.
  let told = live ? -Infinity : now();
  let region: LiveRegion | undefined;

  const sum = (files: number): string => {
    const bytes = [...running.values()].reduce((all, { received }) => all + received, done.bytes);
    return `${done.files} of ${counted(files, 'file')}, ${size(bytes)}`;
  };
  const begin = (): LiveRegion => {
    over?.pause();
    return liveRegion(stream);
  };
  const say = (line: string): void => {
    if (region === undefined) note(`${line}\n`);
    else region.above(line);
    told = now();
  };
  const keepUp = (files: number): void => {
    const isDue = now() - told >= (live ? FRAME_MS : SILENCE_MS);
    if (!isDue) return;
    if (region === undefined) return say(sum(files));
    region.draw([...[...running.values()].map(lineOf), sum(files)].map((line) => truncate(theme, line)));
    told = now();
  };
  return {
    say: (line) => say(clean(line)),
    tell(progress) {
      if (live) region ??= begin();
      const { file, files, received, isThere } = progress;
      if (!isThere) {
        running.set(file, progress);
        return keepUp(files);
      }
      running.delete(file);
      done.files += 1;
      done.bytes += received;
      say(`${clean(file)}: ${size(received)}`);
    },
    end() {
      if (region === undefined) return;
      region.clear();
      region.close();
      over?.resume();
    },
  };
}

function lineOf({ file, received, total }: Progress): string {
  const of = total === 0 ? '' : ` of ${size(total)}, ${Math.floor((100 * received) / total)} %`;
  return `${clean(file)}: ${size(received)}${of}`;
}
