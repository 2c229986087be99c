import { type Case, casesOf } from "./case.js";

const file = (fields: string): string => `storage: {files: [{path: /a, ${fields}}]}\n`;
const mode = (text: string): string => file(`mode: ${text}`);
const enabled = (text: string): string => `systemd: {units: [{name: a.service, enabled: ${text}}]}\n`;
const inline = (text: string): string =>
  `storage:\n  files:\n    - path: /a\n      contents:\n        inline: ${text}\n`;

/** How YAML is read: numbers, flags, texts, anchors, what is no YAML. */
export const yamlCases: Case[] = casesOf("fcos 1.5", {
  "an octal mode": mode("0644"),
  "an octal mode of YAML 1.2": mode("0o644"),
  "a hexadecimal mode": mode("0x1a4"),
  "a binary mode": mode("0b110100100"),
  "a decimal mode": mode("420"),
  "a decimal mode that looks octal": mode("644"),
  "a mode in quotes": mode('"0644"'),
  "a mode with underscores": mode("0_644"),
  "a mode with a plus": mode("+420"),
  "a negative mode": mode("-1"),
  "a mode with a fraction": mode("420.7"),
  "a mode with an exponent": mode("4.2e2"),
  "a mode that is no octal number": mode("0899"),
  "a mode that is text": mode("rw-r--r--"),
  "a mode that is null": mode("null"),
  "a mode that is a tilde": mode("~"),
  "a mode that is empty": mode(""),
  "a mode that is a list": mode("[0644]"),
  "a mode with a tag": mode("!!int 420"),
  "a mode that a tag makes text": mode("!!str 420"),
  "a mode that is infinite": mode(".inf"),
  "a huge mode": mode("99999999999999999999999"),
  yes: enabled("yes"),
  no: enabled("no"),
  on: enabled("on"),
  Off: enabled("Off"),
  y: enabled("y"),
  TRUE: enabled("TRUE"),
  tRue: enabled("tRue"),
  "1 for a flag": enabled("1"),
  "true in quotes": enabled('"true"'),
  "yes in quotes": enabled('"yes"'),
  "a number as text": inline("1234"),
  "a float as text": inline("1.50"),
  "an octal number as text": inline("0755"),
  "a flag as text": inline("yes"),
  "a date as text": inline("2020-01-02"),
  "a null as text": inline("null"),
  "a null in quotes as text": inline('"null"'),
  "an empty text": inline('""'),
  "binary text": inline("!!binary aGVsbG8="),
  "a list as text": inline("[a]"),
  "a mapping as text": inline("{a: b}"),
  "text in double quotes with escapes": inline('"a\\tb\\u00e4\\x41\\n"'),
  "text in single quotes": inline("'it''s'"),
  "a literal block": inline("|\n          one\n            two\n\n          three\n"),
  "a literal block without its end": inline("|-\n          one\n          two\n"),
  "a literal block with all its end": inline("|+\n          one\n\n\n"),
  "a literal block with an indentation": inline("|2\n           one\n          two\n"),
  "a folded block": inline(
    ">\n          one\n          two\n\n          three\n            four\n          five\n",
  ),
  "plain text over lines": inline("one\n          two\n          three"),
  "text with a hash": inline("a#b # comment"),
  "an emoji": inline("🚢 slip"),
  "Windows line ends":
    "storage:\r\n  files:\r\n    - path: /a\r\n      contents:\r\n        inline: |\r\n          one\r\n          two\r\n",
  "a byte order mark inside": inline('"\\uFEFFa"'),
  "anchors and aliases": `
systemd:
  units:
    - name: a.service
      dropins: &dropins
        - {name: x.conf, contents: &text "[Service]\\nNice=1\\n"}
    - name: b.service
      dropins: *dropins
    - name: c.service
      contents: *text
`,
  "merge keys": `
storage:
  files:
    - &base
      path: /a
      mode: 0600
      user: {name: core}
    - <<: *base
      path: /b
    - <<: [*base, {mode: 0644, overwrite: false}]
      path: /c
      mode: 0400
`,
  "a merge key of no mapping": "storage: {files: [{path: /a, <<: text}]}\n",
  "an unknown alias": "storage: {files: [{path: *nowhere}]}\n",
  "a key twice": "storage:\n  files: [{path: /a}]\n  files: [{path: /b}]\n",
  "an unknown key twice": "foo: 1\nfoo: 2\n",
  "unknown keys":
    "foo: {bar: 1}\nstorage: {files: [{path: /a, colour: red, contents: {inline: x, fnord: 1}}]}\n",
  "a key in camelCase": "storage: {files: [{path: /a, contents: {inline: x}, httpHeaders: []}]}\n",
  "a key of a number": "1: one\n",
  "a key of a mapping": "? {a: b}\n: c\n",
  "empty sections": "storage:\nsystemd:\npasswd:\nignition:\n",
  "empty lists": "storage: {files: [], directories: [], links: []}\nsystemd: {units: []}\n",
  "empty mappings": "storage: {}\nsystemd: {}\npasswd: {}\nignition: {config: {}, timeouts: {}}\n",
  "an empty entry": "systemd:\n  units:\n    - \n    - name: a.service\n",
  "a list that is a mapping": "storage: {files: {path: /a}}\n",
  "a mapping that is a list": "storage: [files]\n",
  "a mapping that is text": "storage: files\n",
  "a second document": "---\nstorage: {files: [{path: relative}]}\n",
  "a tab as indentation": "storage:\n\tfiles: []\n",
  "a bracket that is not closed": "storage: {files: [\n",
  "a quote that is not closed": 'storage: {files: [{path: "/a}]}\n',
  "a wrong indentation": "storage:\n    files: []\n  links: []\n",
  "two values": "storage: a: b\n",
  "an at sign": "storage: @a\n",
  comments: "# one\nstorage: # two\n  # three\n  files: [{path: /a}] # four\n",
  "an unknown tag": "storage: !thing {files: [{path: /a}]}\n",
  "an end of the document": "storage: {files: [{path: /a}]}\n...\n",
  "a directive": "storage: {files: [{path: /a}]}\n...\n%YAML 1.1\n---\nx: 1\n",
});
