// How a till writes its file, as the channel's settings say.

import type { Context } from './contract';
import { rejected } from './failure';

// The largest offset that is in use anywhere, in whole hours: Kiribati's.
const MAX_OFFSET_HOURS = 14;

/** What the file calls each column that is read. */
export interface Columns {
  receipt: string;
  sku: string;
  quantity: string;
  unitPrice: string;
  time: string;
  customer: string | undefined;
  location: string | undefined;
}

/** How a till writes its file. */
export interface Settings {
  delimiter: string;
  columns: Columns;
  currency: string;
  /** Minutes east of Greenwich, for times that say none. */
  offset: number | undefined;
  decimalComma: boolean;
  /** Receipts that begin so take goods back. */
  returnPrefix: string | undefined;
  /** Codes that are money and no article, such as postage. */
  charges: Set<string>;
  skipsBadRows: boolean;
  /** A location of the node by what the file calls it. */
  location(place: string): string | undefined;
}

/** Reads the settings. */
export function settingsOf(context: Context): Settings {
  const get = (key: string) => context.config.find(([known]) => known === key)?.[1];
  const text = (key: string) => get(key) || undefined;
  const column = (key: string, usual: string) => text(`column.${key}`) ?? usual;
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
    offset: offset(get('utc-offset')),
    decimalComma: flag('decimal-comma', get('decimal-comma'), 'no', 'yes'),
    returnPrefix: text('return-prefix'),
    charges: new Set(text('charges')?.split(' ')),
    skipsBadRows: flag('bad-rows', get('bad-rows'), 'refuse', 'skip'),
    location: (place) => get(`location.${place}`),
  };
}

function delimiter(text: string): string {
  if (text === 'tab') return '\t';
  if (/^[\0-\x7f]$/.test(text) && !/["\r\n]/.test(text)) return text;
  throw rejected('delimiter', text, 'it must be one ASCII character, or the word tab');
}

function currency(code: string): string {
  if (/^[A-Z]{3}$/.test(code)) return code;
  throw rejected('currency', code, "the channel's settings must name the currency of the file, such as EUR");
}

function offset(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, sign, hours, minutes] = /^([+-])(\d\d):([0-5]\d)$/.exec(text) ?? [];
  if (sign === undefined || Number(hours) > MAX_OFFSET_HOURS) {
    throw rejected('utc-offset', text, 'it must be an offset such as +01:00');
  }
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

// A setting with two words, the first being the usual one.
function flag(key: string, word: string | undefined, usual: string, other: string): boolean {
  if (word === undefined || word === usual) return false;
  if (word === other) return true;
  throw rejected(key, word, `it must be ${usual} or ${other}`);
}
