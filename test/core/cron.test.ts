import { expect, it } from 'vitest';
import { cronAsOnCalendar, isCron } from '../../src/core/cron.ts';

// Each was given to `systemd-analyze calendar`.
it.each([
  ['0 3 * * *', '*-*-* 03:00'],
  ['*/15 * * * *', '*-*-* *:0/15'],
  ['5,35 */2 * * *', '*-*-* 0/2:05,35'],
  ['30 1-5 * * 1-5', 'Mon..Fri *-*-* 01..05:30'],
  ['0 0 * * 0,7', 'Sun,Sun *-*-* 00:00'],
  ['0 4 * * sun', 'sun *-*-* 04:00'],
  ['0 4 1 */3 *', '*-1/3-01 04:00'],
  ['10 22 */2 1-6 *', '*-01..06-1/2 22:10'],
  ['0-30/10 * * * *', '*-*-* *:00..30/10'],
])('cron %j is %j', (cron, calendar) => {
  expect([isCron(cron), cronAsOnCalendar(cron)]).toEqual([true, calendar]);
});

it.each([
  ['0 3 1 * 1', 'cron wants either'],
  ['0 3 * jan *', 'months have no names'],
  ['0 3 * * */2', 'days are not counted'],
  ['0 25 * * *', 'no such hour'],
])('cron %j has no words in systemd: %s', (cron) => {
  expect([isCron(cron), cronAsOnCalendar(cron)]).toEqual([true, undefined]);
});

it.each(['daily', '*-*-* 03:00', 'at three in the morning', 'Mon Tue Wed 1:2 3:4'])('%j is not cron', (text) => {
  expect(isCron(text)).toBe(false);
});
