import { mayBeOnCalendar } from './on-calendar.ts';

const FIELD = /^[\w*,/-]+$/;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Whether these are cron's five fields: minute, hour, day of the month, month, day of the week. */
export function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    fields.length === 5 && fields.every((field) => FIELD.test(field)) && fields.some((field) => /[\d*]/.test(field))
  );
}

/** The same times as systemd's OnCalendar; undefined where it has no words for them, or they are none. */
export function cronAsOnCalendar(text: string): string | undefined {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = text.trim().split(/\s+/);
  // Either of them is enough for cron.
  if (day !== '*' && weekday !== '*') return undefined;
  const days = weekday === '*' ? [] : [weekdays(weekday)];
  const date = `*-${numbers(month, 1)}-${numbers(day, 1)}`;
  const said = [...days, date, `${numbers(hour, 0)}:${numbers(minute, 0)}`].join(' ');
  return mayBeOnCalendar(said) ? said : undefined;
}

// `*/2` counts from the first one, `1-5` is `01..05`.
function numbers(field: string, first: number): string {
  return field
    .replaceAll(/(^|,)\*\//g, `$1${String(first)}/`)
    .replaceAll('-', '..')
    .replaceAll(/(?<![\d/])\d(?![\d/])/g, '0$&');
}

function weekdays(field: string): string {
  return field.replaceAll('-', '..').replaceAll(/\d+/g, (number) => DAYS[Number(number)] ?? number);
}
