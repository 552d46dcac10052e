import { expect, it } from 'vitest';
import { mayBeOnCalendar } from '../../src/core/on-calendar.ts';

// The first ones are the examples of systemd.time(7).
it.each([
  'Sat,Thu,Mon..Wed,Sat..Sun',
  'Mon,Sun 12-*-* 2,1:23',
  'Wed *-1',
  'Wed..Wed,Wed *-1',
  'Wed, 17:48',
  'Wed..Sat,Tue 12-10-15 1:2:3',
  '*-*-7 0:0:0',
  '10-15',
  'monday *-12-* 17:00',
  'Mon,Fri *-*-3,1,2 *:30:45',
  '12,14,13,12:20,10,30',
  '12..14:10,20,30',
  'mon,fri *-1/2-1,3 *:30:45',
  '03-05 08:05:40',
  '08:05:40',
  '05:40',
  'Sat,Sun 12-05 08:05:40',
  '2003-03-05 05:40',
  '05:40:23.4200004/3.1700005',
  '2003-02..04-05',
  '2003-03-05 05:40 UTC',
  '2003-03-05',
  '03-05',
  'hourly',
  'daily UTC',
  'weekly Pacific/Auckland',
  'yearly',
  'annually',
  '*:2/3',
  '*-*~1',
  'Mon *-05~07/1',
  '2012-11-23T11:12:13',
  'Weekly',
  '*:0/15 Europe/Berlin',
])('%j is taken', (text) => {
  expect(mayBeOnCalendar(text)).toBe(true);
});

it.each([
  'foo',
  'every day',
  'daily 03:00',
  'UTC',
  '24:00',
  '03:60',
  'Mon,foo 03:00',
  '-',
  'noon',
  'Mon Tue 03:00',
  '',
  '5',
  '0 3 * * *',
  '*/15 * * * *',
  '*-*-* 3',
  '03:00 *-*-*',
  '*-*-* 03:00 04:00',
])('%j is refused', (text) => {
  expect(mayBeOnCalendar(text)).toBe(false);
});
