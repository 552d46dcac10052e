/** What clients of the API saw. */
export interface Seen {
  /** Of each kept connection: how often it was reset, closed in the middle of a request, or silent for 15 s. */
  resets: number[];
  /** The longest time in which no new connection got an answer, ms. */
  silentMs: number;
  requests: number;
  /** The longest time that an answer took, ms. */
  slowestMs: number;
}
