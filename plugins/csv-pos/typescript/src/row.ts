// One row: an item of a receipt.

import type { UnitPrice } from './contract';
import type { Settings } from './settings';
import type { Record } from './table';
import { isShort, trimmed } from './text';
import { moment } from './time';

// The largest quantity that a node records in a line.
const MAX_UNITS = 1_000_000_000;
// What 64 bits hold: longer numbers are none.
const MAX_INTEGER = '9223372036854775807';
const MIN_INTEGER = '9223372036854775808';
// The largest amount that a node records: far below 2^53, up to which a number is exact.
const MAX_AMOUNT = 1_000_000_000_000_000;
// The most decimals of a unit price.
const MAX_SCALE = 9;
// The longest SKU that a node takes, in bytes.
const MAX_SKU = 64;
// The longest number of a receipt, in bytes: with a location, a time and a count behind it a reference takes it.
const MAX_RECEIPT = 56;
// The longest customer's reference, in bytes.
const MAX_CUSTOMER = 128;

/** What happened to the goods, if they are any. */
export type What = 'sold' | 'charged' | 'taken-back' | 'written-off';

/** An item. */
export interface Row {
  receipt: string;
  what: What;
  code: string;
  /** At least 1. */
  units: number;
  unitPrice: UnitPrice;
  /** Microseconds since 1970. */
  at: number;
  customer: string | undefined;
  location: string | undefined;
}

/** Why a row is refused. */
export class Refused {
  constructor(
    readonly field: string,
    readonly value: string,
    readonly rule: string,
  ) {}
}

/** Reads rows as the settings say. What reads a field throws the rule that the field breaks. */
export class RowReader {
  #settings: Settings;
  // The name and the value of the field that is being read.
  #name = '';
  #value = '';
  #text = remembered(textOf);
  #receipt = remembered((text) => short(text, MAX_RECEIPT));
  #code = remembered((text) => short(text, MAX_SKU));
  #units = remembered((text) => wholeUnits(text, this.#settings));
  #price = remembered((text) => unitPrice(text, this.#settings));
  #moment = remembered((text) => moment(text, this.#settings.offset));

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Reads a row of the table; throws `Refused`. */
  read(record: Record): Row {
    try {
      return this.#row(record);
    } catch (rule) {
      if (typeof rule !== 'string') throw rule;
      throw new Refused(`row ${record.number}, ${this.#name}`, this.#value, rule);
    }
  }

  #row({ fields, broken, width, places }: Record): Row {
    const { columns } = this.#settings;
    const field = (place: number | undefined) => (place === undefined ? undefined : fields[place]);
    this.#reads('fields', '');
    if (broken) throw broken;
    if (fields.length !== width) throw `it has ${fields.length} fields, the line of names has ${width}`;
    const receiptText = this.#filled(columns.receipt, field(places.receipt));
    const codeText = this.#filled(columns.sku, field(places.sku));
    const receipt = this.#receipt(this.#reads(columns.receipt, receiptText));
    const code = this.#code(this.#reads(columns.sku, codeText));
    const quantity = this.#filled(columns.quantity, field(places.quantity));
    const price = this.#filled(columns.unitPrice, field(places.unitPrice));
    const time = this.#filled(columns.time, field(places.time));
    const units = this.#units(this.#reads(columns.quantity, quantity));
    const what = whatOf(receipt, units > 0, this.#reads(columns.sku, code), this.#settings);
    const unitPrice = this.#price(this.#reads(columns.unitPrice, price));
    const at = this.#moment(this.#reads(columns.time, time));
    const customer = this.#customer(field(places.customer));
    const location = this.#location(field(places.location));
    return { receipt, what, code, units: Math.abs(units), unitPrice, at, customer, location };
  }

  // Notes what is being read, for who is told that it is refused.
  #reads(name: string, value: string): string {
    this.#name = name;
    this.#value = value;
    return value;
  }

  #filled(name: string, chars = ''): string {
    this.#reads(name, '');
    const text = this.#text(chars);
    if (text === '') throw 'it must not be empty';
    return text;
  }

  #customer(chars: string | undefined): string | undefined {
    if (chars === undefined) return undefined;
    this.#reads('customer', '');
    return short(this.#reads('customer', this.#text(chars)), MAX_CUSTOMER) || undefined;
  }

  // A location of the file as one of the node's; the node's own where the file says none.
  #location(chars: string | undefined): string | undefined {
    if (chars === undefined) return undefined;
    this.#reads('location', '');
    const place = this.#text(chars);
    if (place === '') return undefined;
    const name = this.#settings.location(place);
    if (name === undefined) throw `the channel's settings have no location.${place}`;
    if (name === '') throw `location.${place} names no location`;
    return name;
  }
}

// A function that reads each text once: rows of a till have much in common.
function remembered<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) {
      found = read(text);
      known.set(text, found);
    }
    return found;
  };
}

function textOf(chars: string): string {
  const text = trimmed(chars);
  if (text === undefined) throw 'it is no UTF-8';
  return text;
}

function short(text: string, most: number): string {
  if (!isShort(text, most)) throw `it must have at most ${most} bytes and no control characters`;
  return text;
}

// A whole number of units, with zeros behind the point or without; never 0.
function wholeUnits(text: string, { decimalComma }: Settings): number {
  const shape = decimalComma ? /^([+-]?)0*(\d+)(?:,0+)?$/ : /^([+-]?)0*(\d+)(?:\.0+)?$/;
  const [, sign, digits] = shape.exec(text) ?? [];
  if (digits === undefined || isBeyond(digits, sign === '-' ? MIN_INTEGER : MAX_INTEGER)) {
    throw 'it must be a whole number of base units';
  }
  const units = Number(digits);
  if (units === 0) throw 'it must not be 0';
  if (units > MAX_UNITS) throw `it must be at most ${MAX_UNITS}`;
  return sign === '-' ? -units : units;
}

// Whether a number is larger than another, both without zeros before them.
function isBeyond(digits: string, most: string): boolean {
  return digits.length > most.length || (digits.length === most.length && digits > most);
}

// What a row says. Without a prefix of returns, what is negative came back; with one, only what stands on those
// receipts did.
function whatOf(receipt: string, isSold: boolean, code: string, { returnPrefix, charges }: Settings): What {
  const onReturn = returnPrefix !== undefined && receipt.startsWith(returnPrefix);
  if (charges.has(code)) {
    if (!isSold || onReturn) throw 'it is a charge, and money alone cannot be taken back';
    return 'charged';
  }
  if (isSold && onReturn) throw 'it was sold, and its receipt takes goods back';
  if (isSold) return 'sold';
  return onReturn || returnPrefix === undefined ? 'taken-back' : 'written-off';
}

// A price as it is written, digit for digit.
function unitPrice(text: string, { decimalComma, currency }: Settings): UnitPrice {
  if (decimalComma && text.includes('.')) throw 'it must be a decimal such as 12,50, without points';
  const shape = decimalComma ? /^(-?)(\d+)(?:,(\d+))?$/ : /^(-?)(\d+)(?:\.(\d+))?$/;
  const [, sign, whole, fraction = ''] = shape.exec(text) ?? [];
  if (whole === undefined) throw 'it must be a decimal such as 12.50';
  if (fraction.length > MAX_SCALE) throw `it has ${fraction.length} decimals, at most ${MAX_SCALE} are allowed`;
  const amount = Number(whole + fraction);
  if (amount > MAX_AMOUNT) throw 'it is too large';
  if (sign === '-' && amount > 0) throw 'it must not be negative';
  return { amount, scale: fraction.length, currency };
}
