import { requireMachine, programsOf, silent, supplies, timer, type OnProgress, type Supplies } from './lab.ts';
import { withLock } from './lock.ts';
import { shellOf } from './shell-image.ts';
import { ensureTestImages, TEST_COMPONENTS } from './test-images.ts';

/**
 * Gets upstream's tests, and puts the images that they run into the store of the lab's registry, besides all that the lab
 * is made of. Gives where the programs of a component are.
 */
export async function fetchConformance(onProgress: OnProgress = silent): Promise<Supplies['programs']> {
  requireMachine();
  return withLock(async () => {
    const part = timer(onProgress);
    const { programs, repository, store } = await supplies(part);
    const tests = await programsOf(TEST_COMPONENTS, part);
    const all: Supplies['programs'] = (component) => tests(component) || programs(component);
    await part('test images', async () => {
      const cached = await ensureTestImages(store.directory, await shellOf(repository), all);
      return cached ? 'cached' : 'packed';
    });
    return all;
  });
}
