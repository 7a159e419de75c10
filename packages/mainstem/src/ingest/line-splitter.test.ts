import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineSplitter, type LineSink } from "./line-splitter.ts";

interface Seen {
  readonly text?: string;
  readonly code?: string;
  readonly bytes: string;
  readonly length?: number;
}

/** With `plain`, lines of one digit or many of the same letter are taken without being looked for. */
function collect({ plain }: { readonly plain: boolean }): LineSink & { readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const line = (bytes: Buffer, start: number, end: number): void => {
    seen.push({ text: bytes.toString("utf8", start, end), bytes: bytes.toString("latin1", start, end) });
  };
  return {
    seen,
    plainLines(bytes, start, end, lineBytesMax) {
      for (let from = start; from <= end;) {
        const [text] = /^(?:\d|(\w)\1*)(?=\n)/.exec(bytes.toString("latin1", from, Math.min(end, from + lineBytesMax) + 1)) ?? [];
        if (!plain || text === undefined) return from;
        line(bytes, from, from + text.length);
        from += text.length + 1;
      }
      return end + 1;
    },
    line,
    badLine: (code, bytes, start, end, length) => {
      seen.push({ code, bytes: bytes.toString("latin1", start, end), length });
    },
  };
}

/** The lines of a body that comes in chunks of the given size: the same ones whether the sink takes plain lines by itself or not. */
function split(body: Uint8Array, { chunk = body.length, lineBytesMax = 100 } = {}): readonly Seen[] {
  const [seen, others] = [true, false].map((plain) => {
    const sink = collect({ plain });
    const splitter = new LineSplitter(sink, { lineBytesMax });
    for (let start = 0; start < body.length; start += chunk) splitter.push(body.subarray(start, start + chunk));
    splitter.end();
    return sink.seen;
  });
  assert.deepEqual(seen, others);
  return seen ?? [];
}

const texts = (seen: readonly Seen[]): readonly (string | undefined)[] => seen.map(({ text, code }) => text ?? code);

describe("the line splitter", () => {
  const cases: readonly { readonly title: string; readonly body: string | Buffer; readonly lines: readonly string[] }[] = [
    { title: "ends lines with LF and CRLF", body: '{"a":1}\n{"b":2}\r\n{"c":3}\n', lines: ['{"a":1}', '{"b":2}', '{"c":3}'] },
    { title: "gives a last line that nothing ends", body: "1\n2", lines: ["1", "2"] },
    { title: "gives a last line that only CR ends", body: "1\n2\r", lines: ["1", "2"] },
    { title: "leaves blank lines out", body: "\n\r\n  \t\n1\n\n\n2\n \n", lines: ["1", "2"] },
    { title: "leaves a byte order mark out at the start only", body: "\ufeff1\n\ufeff2\n", lines: ["1", "\ufeff2"] },
    { title: "keeps characters of several bytes whole", body: '"é"\n"漢字"\n"😀"\n"plain"', lines: ['"é"', '"漢字"', '"😀"', '"plain"'] },
    { title: "gives nothing for nothing", body: "", lines: [] },
    {
      title: "tells lines that are not UTF-8 among those that are",
      body: Buffer.from([0x31, 0x0a, 0xff, 0x0a, 0xc3, 0xa9, 0x0a, 0xe2, 0x82, 0x0d, 0x0a, 0x32]),
      lines: ["1", "record.notUtf8", "é", "record.notUtf8", "2"],
    },
    { title: "takes a surrogate in UTF-8 for no UTF-8", body: Buffer.from([0xed, 0xa0, 0x80, 0x0a]), lines: ["record.notUtf8"] },
  ];
  for (const { title, body, lines } of cases)
    test(title, () => {
      const bytes = Buffer.from(body as string);
      for (const chunk of [bytes.length || 1, 1, 2, 3, 5]) assert.deepEqual(texts(split(bytes, { chunk })), lines, `in chunks of ${chunk}`);
    });

  test("gives the original bytes of a line without its end", () => {
    const [first, bad] = split(Buffer.from([0x22, 0xc3, 0xa9, 0x22, 0x0d, 0x0a, 0xfe, 0x0d, 0x0a]));
    assert.equal(first?.bytes, "\x22\xc3\xa9\x22");
    assert.equal(bad?.bytes, "\xfe");
  });

  test("keeps of a line that is too long what the limit allows, and counts the rest", () => {
    const body = Buffer.from(`${"x".repeat(250)}\n1\n${"y".repeat(101)}`);
    for (const chunk of [body.length, 1, 7, 64]) {
      const seen = split(body, { chunk });
      assert.deepEqual(seen, [
        { code: "record.tooLarge", bytes: "x".repeat(100), length: 250 },
        { text: "1", bytes: "1" },
        { code: "record.tooLarge", bytes: "y".repeat(100), length: 101 },
      ]);
    }
  });

  test("takes one carriage return for a part of the line's end, not many", () => {
    assert.deepEqual(texts(split(Buffer.from("1\r\r\n2\n"))), ["1\r", "2"]);
    const many = Buffer.from(`${"\r".repeat(1_000_000)}\n1`);
    assert.deepEqual(texts(split(many, { lineBytesMax: 1_000_000 })), ["1"]);
  });

  test("judges a line of just the greatest length alike wherever the chunks end", () => {
    const body = Buffer.from(`${"x".repeat(100)}\r\n${"é".repeat(50)}\r\n${"y".repeat(101)}\r\n${"\xff".repeat(101)}`, "utf8");
    const whole = split(body);
    assert.deepEqual(texts(whole), ["x".repeat(100), "é".repeat(50), "record.tooLarge", "record.tooLarge"]);
    for (let chunk = 1; chunk < body.length; chunk++) assert.deepEqual(split(body, { chunk }), whole, `in chunks of ${chunk}`);
  });

  test("gives lines in their order when only some of them are plain", () => {
    const body = Buffer.from("aaa\n1\n[1, 2]\nbbb\n\n2\r\n3\n\xff\n4\nccc");
    for (let chunk = 1; chunk <= body.length; chunk++)
      assert.deepEqual(texts(split(body, { chunk })), ["aaa", "1", "[1, 2]", "bbb", "2", "3", "ÿ", "4", "ccc"], `in chunks of ${chunk}`);
  });

  test("holds no more than one line, however long it goes on", () => {
    const splitter = new LineSplitter(collect({ plain: true }), { lineBytesMax: 1_000 });
    const chunk = Buffer.alloc(10_000, "x");
    for (let index = 0; index < 1_000; index++) splitter.push(chunk);
    assert.equal(splitter.pendingBytes, 1_000);
  });
});
