import { RECOVERY } from './scenarios/recovery.ts';
import { scenesOf } from './support/scene.ts';

scenesOf(RECOVERY);
