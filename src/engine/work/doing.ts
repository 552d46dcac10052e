import type { Program } from '../plan/program.ts';
import type { Hands } from './hands.ts';
import type { RunState } from './run-state.ts';

/** A program that is carried out: by whom, and what became of it so far. */
export interface Doing {
  program: Program;
  hands: Hands;
  state: RunState;
}
