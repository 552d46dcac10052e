/** Saved labs as they lie on this machine's disk: a folder each, with `state.json`, `hosts/NAME` and `operator`. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LabError } from './errors.ts';
import { hostsWithState, layerListOf } from './hosts.ts';
import { layersIn, sweep } from './layers.ts';
import { exists } from './machine.ts';
import { SAVED_LABS } from './paths.ts';
import { run } from './run.ts';
import { HOSTS, OPERATOR_ADDRESS, VIP } from './topology.ts';

const MANIFEST = 'state.json';

/** What a saved lab was made from: with another image or other addresses its disks make no sense. */
export interface Origin {
  /** Name of the image's folder, which has a digest of what went into it. */
  image: string;
  topology: string;
}

export interface SavedLab extends Origin {
  name: string;
  /** ISO time. */
  savedAt: string;
}

export function originOf(image: string): Origin {
  const hosts = HOSTS.map(({ name, address }) => `${name}=${address}`);
  return { image: basename(image), topology: [...hosts, `operator=${OPERATOR_ADDRESS}`, `vip=${VIP}`].join(' ') };
}

/** Why a saved lab does not fit onto this one; undefined when it does. */
export function unlike(saved: Origin, here: Origin): string | undefined {
  if (saved.image !== here.image) return `it was saved on the image ${saved.image}, and this lab's is ${here.image}`;
  if (saved.topology !== here.topology) return `its hosts are ${saved.topology}, and this lab's are ${here.topology}`;
  return undefined;
}

/** Where the parts of a saved lab lie. */
export const savedData = (folder: string, host: string): string => join(folder, 'hosts', host, 'data');
export const savedLayerList = (folder: string, host: string): string => join(folder, 'hosts', host, 'layers');
export const savedOperator = (folder: string): string => join(folder, 'operator');

/** The saved labs of a folder, by name. */
export async function savedLabs(store: string = SAVED_LABS): Promise<SavedLab[]> {
  const names = (await entriesOf(store)).filter((name) => !name.startsWith('.')).sort();
  return Promise.all(
    names.map(async (name) => ({
      ...(JSON.parse(await readFile(join(store, name, MANIFEST), 'utf8')) as Omit<SavedLab, 'name'>),
      name,
    })),
  );
}

export async function savedLab(name: string, store: string = SAVED_LABS): Promise<{ saved: SavedLab; folder: string }> {
  const all = await savedLabs(store);
  const saved = all.find((each) => each.name === name);
  if (saved !== undefined) return { saved, folder: join(store, name) };
  const names = all.map((each) => each.name).join(', ');
  throw new LabError(`there is no saved lab "${name}"`, {
    hint: names === '' ? 'save one with: npm run lab -- save NAME' : `there are ${names}`,
  });
}

/** Fills a new folder by `write` and lets it take the place of one with this name: it is there whole, or as before. */
export async function keep(
  name: string,
  origin: Origin,
  write: (folder: string) => Promise<void>,
  store: string = SAVED_LABS,
): Promise<void> {
  requireName(name);
  const [folder, work, old] = [join(store, name), join(store, `.${name}.new`), join(store, `.${name}.old`)];
  await removeHalves(store);
  // Private keys and the hosts' disks lie in it.
  await mkdir(work, { recursive: true, mode: 0o700 });
  try {
    await write(work);
    await writeFile(join(work, MANIFEST), `${JSON.stringify({ ...origin, savedAt: new Date().toISOString() })}\n`);
    if (await exists(folder)) await rename(folder, old);
    await rename(work, folder);
  } finally {
    await removeHalves(store);
  }
}

/** What is being written, or on its way out, begins with a dot: one that is left was cut off. */
async function removeHalves(store: string): Promise<void> {
  for (const name of await entriesOf(store))
    if (name.startsWith('.')) await rm(join(store, name), { recursive: true, force: true });
}

/** Where all that a saved lab consists of lies; others may share the layers among them. */
export async function foldersOf(name: string): Promise<string[]> {
  const folder = join(SAVED_LABS, name);
  const layers = await Promise.all((await layerListsOf(folder)).map((list) => layersIn(list)));
  return [folder, ...layers.flat()];
}

/** Removes the layers that neither a saved lab nor the running one has. */
export async function sweepLayers(): Promise<void> {
  const saved = await Promise.all((await savedLabs()).map(({ name }) => layerListsOf(join(SAVED_LABS, name))));
  await sweep([...saved.flat(), ...hostsWithState().map(layerListOf)]);
}

async function layerListsOf(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'hosts'))).map((host) => savedLayerList(folder, host));
}

/** None of a folder that is not there. */
async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

export async function forget(name: string, store: string = SAVED_LABS): Promise<void> {
  const { folder } = await savedLab(name, store);
  await rename(folder, join(store, `.${name}.gone`));
  await removeHalves(store);
}

function requireName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]*$/i.test(name)) return;
  throw new LabError(`"${name}" is no name for a saved lab`, {
    hint: 'use letters, digits, dots, dashes, underscores',
  });
}

/** Copies a folder, or a file, with all that is in it, holes as holes, into the place of `to`. */
export async function copy(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true });
  // With this process: what a killed one left at work would write into the folders of the next.
  await run(['setpriv', '--pdeathsig', 'KILL', 'cp', '-a', from, to]);
}
