// How a till writes its file, as the channel's settings say.

import { rejected } from './failure.js';

// The largest offset that is in use anywhere, in whole hours: Kiribati's.
const MAX_OFFSET_HOURS = 14;

/** Reads the settings. */
export function settingsOf(context) {
  const get = (key) => context.config.find(([known]) => known === key)?.[1];
  const text = (key) => get(key) || undefined;
  const column = (key, usual) => text(`column.${key}`) ?? usual;
  return {
    delimiter: delimiter(get('delimiter') ?? ','),
    columns: {
      receipt: column('receipt', 'receipt'),
      sku: column('sku', 'sku'),
      quantity: column('quantity', 'quantity'),
      unitPrice: column('unit-price', 'unit_price'),
      time: column('time', 'sold_at'),
      customer: text('column.customer'),
      location: text('column.location'),
    },
    currency: currency(get('currency') ?? ''),
    /** Minutes east of Greenwich, for times that say none. */
    offset: offset(get('utc-offset')),
    decimalComma: flag('decimal-comma', get('decimal-comma'), 'no', 'yes'),
    /** Receipts that begin so take goods back. */
    returnPrefix: text('return-prefix'),
    /** Codes that are money and no article, such as postage. */
    charges: new Set(text('charges')?.split(' ')),
    skipsBadRows: flag('bad-rows', get('bad-rows'), 'refuse', 'skip'),
    /** Locations of the node by what the file calls them. */
    location: (place) => get(`location.${place}`),
  };
}

function delimiter(text) {
  if (text === 'tab') return '\t';
  if (/^[\0-\x7f]$/.test(text) && !/["\r\n]/.test(text)) return text;
  throw rejected('delimiter', text, 'it must be one ASCII character, or the word tab');
}

function currency(code) {
  if (/^[A-Z]{3}$/.test(code)) return code;
  throw rejected('currency', code, "the channel's settings must name the currency of the file, such as EUR");
}

function offset(text) {
  if (text === undefined) return undefined;
  const [, sign, hours, minutes] = /^([+-])(\d\d):([0-5]\d)$/.exec(text) ?? [];
  if (sign === undefined || Number(hours) > MAX_OFFSET_HOURS) {
    throw rejected('utc-offset', text, 'it must be an offset such as +01:00');
  }
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

// A setting with two words, the first being the usual one.
function flag(key, word, usual, other) {
  if (word === undefined || word === usual) return false;
  if (word === other) return true;
  throw rejected(key, word, `it must be ${usual} or ${other}`);
}
