import type { Page } from '../../../scripts/scenario.ts';
import { OPERATIONS } from './operations.ts';
import { RECOVERY } from './recovery.ts';
import { UPGRADES } from './upgrades.ts';

/** Pages of docs/ whose commands are all run on the lab. */
export const PAGES: readonly Page[] = [OPERATIONS, RECOVERY, UPGRADES];
