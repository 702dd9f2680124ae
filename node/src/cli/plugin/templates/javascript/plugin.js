// What a channel has of its articles, one `SKU=COUNT` a line.

import { write } from 'tillmesh:channel/log@0.1.0';

export const inbound = {
  translate(message, _context) {
    const lines = textOf(message.piece.bytes).split('\n').filter((line) => line !== '');
    const commands = lines.map((line) => command(line, message.receivedAt));
    write('info', `${commands.length} articles`);
    return { commands, carry: new Uint8Array() };
  },
};

function command(line, asOf) {
  const at = line.includes('=') ? line.indexOf('=') : line.length;
  const [sku, count] = [line.slice(0, at), line.slice(at + 1)];
  // Fifteen digits at most: as many as a number holds exactly.
  if (!/^-?\d{1,15}$/.test(count)) {
    throw malformed(sku, count, 'it must be a whole number, as in SKU=12');
  }
  return { tag: 'set-available', val: { sku, available: Number(count), asOf, location: undefined } };
}

// There is no TextDecoder.
function textOf(bytes) {
  let bytesAsText = '';
  for (let at = 0; at < bytes.length; at += 4096) {
    bytesAsText += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  try {
    return decodeURIComponent(escape(bytesAsText));
  } catch {
    throw malformed('', '', 'it must be UTF-8');
  }
}

// What is thrown becomes the failure that the node keeps with the message.
function malformed(field, value, rule) {
  return { tag: 'malformed', val: { field, value, rule } };
}
