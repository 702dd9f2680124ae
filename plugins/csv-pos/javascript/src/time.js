// Times as tills write them: `2026-11-28 17:05:00`, and what ISO 8601 has besides.

const RULE = 'it must be a time such as 2026-11-28 17:05:00';
const NO_OFFSET = "it has no offset, and the channel's settings have no utc-offset";

// A date; then hours, minutes, seconds and their fraction, as far as they are there; then an offset, if there is one.
// What has `-` or `:` between two of its parts has it between all.
const DATE = /^(\d{4})(-?)(\d\d)\2(\d\d)/;
const TIME = /^[Tt ](\d\d)(?:(:?)(\d\d)(?:\2(\d\d)(?:[.,](\d{1,9}))?)?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?$/;

// What a node takes: 1970 to the beginning of 9999, in seconds.
const LATEST = 253_370_764_800;
const MAX_OFFSET_HOURS = 25;

/** Microseconds since 1970 of a time, with its offset in minutes or another one; throws the rule that it breaks. */
export function moment(text, usualOffset) {
  const [date, year, , month, day] = DATE.exec(text) ?? [];
  if (date === undefined || !isDay(Number(year), Number(month), Number(day))) throw RULE;
  const days = daysSince1970(Number(year), Number(month), Number(day));
  const time = timeOf(text.slice(date.length));
  const offset = time.offset ?? usualOffset;
  if (offset === undefined) throw NO_OFFSET;
  const seconds = days * 86_400 + time.seconds - offset * 60;
  if (seconds < 0 || seconds > LATEST || (seconds === LATEST && time.micros > 0)) throw RULE;
  return seconds * 1_000_000 + time.micros;
}

// The seconds of a day, the microseconds of that second, and the offset in minutes where there is one.
function timeOf(text) {
  if (text === '') return { seconds: 0, micros: 0, offset: undefined };
  const parts = TIME.exec(text);
  if (!parts) throw RULE;
  const [, hours, , minutes = '0', seconds = '0', fraction = '', zulu, sign, offsetHours, offsetMinutes = '0'] = parts;
  const isTime = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) <= 60;
  const isOffset = sign === undefined || (Number(offsetHours) <= MAX_OFFSET_HOURS && Number(offsetMinutes) < 60);
  if (!isTime || !isOffset) throw RULE;
  const east = Number(offsetHours ?? 0) * 60 + Number(offsetMinutes);
  return {
    // A leap second is the one before it.
    seconds: Number(hours) * 3_600 + Number(minutes) * 60 + Math.min(Number(seconds), 59),
    micros: Number(fraction.padEnd(6, '0').slice(0, 6)),
    offset: sign === undefined ? zulu && 0 : sign === '-' ? -east : east,
  };
}

function isDay(year, month, day) {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

// Days of the Gregorian calendar, in years that begin with March: then the leap day is the last.
function daysSince1970(year, month, day) {
  const marchYear = month > 2 ? year : year - 1;
  const daysOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + daysOfYear - 719_468;
}

/** A moment to the second, such as `20261127T143002Z`. */
export function compact(micros) {
  const [date, time] = new Date(Math.floor(micros / 1_000)).toISOString().split('T');
  return `${date.split('-').join('')}T${time.slice(0, 8).split(':').join('')}Z`;
}
