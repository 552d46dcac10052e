import { beforeAll } from 'vitest';
import { heal } from './prove.ts';

/** Each file starts from a cluster that is as the lab's inventory wants it, also on a lab that was bare. */
beforeAll(async () => {
  await heal();
});
