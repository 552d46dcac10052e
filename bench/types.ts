/** What a benchmark gets and gives. */
export interface Options {
  /** Few rounds and small fleets, for a report in minutes; nothing of it is written into docs/. */
  quick: boolean;
  /** Counted rounds of a race, in place of its own number. */
  rounds?: number;
  note: (text: string) => void;
}

export interface Table {
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

export interface Report {
  tables: Table[];
  /** What was left out, what is simulated, what failed: one sentence each. */
  notes: string[];
}

export type Bench = (options: Options) => Promise<Report>;
