declare module 'tillmesh:channel/log@0.1.0' {
  export function write(level: 'debug' | 'info' | 'warn' | 'error', message: string): void;
}

declare module 'tillmesh:channel/metrics@0.1.0' {
  export function count(name: string, value: number): void;
}

// Of the engine, not of the language.
declare function escape(text: string): string;
declare function unescape(text: string): string;
