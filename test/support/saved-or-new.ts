/** `bare`: nothing of mcpk was ever there. `ready`: a cluster as inventories/lab.yaml wants it. `before`: of the release before. */
export type LabState = 'bare' | 'ready' | 'before';

/** What is done with the lab; a test gives another. */
export interface LabWays {
  /** Names of the saved labs. */
  saved(): Promise<readonly string[]>;
  load(name: string): Promise<void>;
  save(name: string): Promise<void>;
  /** Booted, with nothing of mcpk on its hosts. */
  bare(): Promise<void>;
  /** Why an apply of what is wanted did not end well; undefined = it did, and the nodes are Ready. */
  apply(): Promise<string | undefined>;
  tell(text: string): void;
}

/**
 * Puts the saved lab of this name in the place of the one that is there, and an apply makes of it what is wanted. Where
 * there is none, or it does not fit any more, the cluster is made from bare hosts, and saved.
 *
 * @param keeps whether labs may be loaded and saved
 * @throws Error when the apply to bare hosts fails
 */
export async function savedOrNew(name: string, { keeps, ways }: { keeps: boolean; ways: LabWays }): Promise<void> {
  if (keeps && (await ways.saved()).includes(name)) {
    ways.tell(`loads the saved lab "${name}"`);
    const why = (await ways.load(name).then(() => undefined, String)) ?? (await ways.apply());
    if (why === undefined) return;
    ways.tell(`the saved lab "${name}" gives way to another: ${why}`);
  }
  await ways.bare();
  const failed = await ways.apply();
  if (failed !== undefined) throw new Error(failed);
  if (!keeps) return;
  ways.tell(`saves the lab as "${name}"`);
  await ways.save(name);
}
