import { OPERATIONS } from './scenarios/operations.ts';
import { scenesOf } from './support/scene.ts';

scenesOf(OPERATIONS);
