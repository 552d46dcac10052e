import { UPGRADES } from './scenarios/upgrades.ts';
import { scenesOf } from './support/scene.ts';

scenesOf(UPGRADES);
