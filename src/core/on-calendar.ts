// Of calendarspec.c in systemd, which takes them in any case.
const SHORTHANDS = /^(?:minutely|hourly|daily|weekly|monthly|quarterly|yearly|an?nually|semi-?annually|bi-?annually)$/i;
const DAY = '(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)';
const DAYS = new RegExp(`^${DAY}(?:(?:,|-|\\.\\.)${DAY})*,?$`, 'i');
const DATE = '[\\d*,./]+[~-][\\d*,./~-]+';
const TIME = '[\\d*,./]+:[\\d*,.:/]+';
const DATE_AND_TIME = new RegExp(`^(?:${DATE}|${TIME}|${DATE}[T ]${TIME})$`);
const CLOCK = /(?:^|[T ])(\d+):(\d+)(?::(\d+))?$/;
const ZONE = /^[A-Za-z][\w+/-]*$/;

/**
 * Whether systemd could take this as OnCalendar (systemd.time(7)): a shorthand or days, a date, a time, and a time zone
 * at the end, whose name is not looked up. Never false for what systemd takes.
 */
export function mayBeOnCalendar(text: string): boolean {
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const zoned = ZONE.test(rest.at(-1) ?? '') && !DAYS.test(rest.at(-1) ?? '');
  const words = [first, ...(zoned ? rest.slice(0, -1) : rest)];
  if (SHORTHANDS.test(first)) return words.length === 1;
  const dayless = words.slice(DAYS.test(first) ? 1 : 0).join(' ');
  return (dayless === '' && first !== '') || (DATE_AND_TIME.test(dayless) && isClock(dayless));
}

/** A time that is written out is one of the day. */
function isClock(text: string): boolean {
  const [, hours = '0', minutes = '0', seconds = '0'] = CLOCK.exec(text) ?? [];
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 61;
}
