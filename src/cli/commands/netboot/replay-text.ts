import { differs, type Exchange, type Replay, type Row } from "../../../netboot/simulate/replay/replay.js";
import { clean } from "../../output/board.js";

/** A replayed capture, for people: what both answer alike on a line of its own, what differs beside each other. */
export function replayText({ exchanges, packets, differing }: Replay): string {
  return [
    ...exchanges.map(exchangeText),
    exchanges.length === 0
      ? `none of ${packets} packets is a client's request for booting`
      : `${differing} of ${exchanges.length} requests are answered otherwise here (≠)`,
  ].join("\n\n");
}

function exchangeText(exchange: Exchange): string {
  const { time, client, protocol, request, rows, because, adapted } = exchange;
  return [
    `${differs(exchange) ? "≠" : "="} ${time.slice(11, 23)} ${client} ${protocol} ${clean(request)}`,
    ...(adapted === undefined ? [] : [`    (${adapted})`]),
    ...rows.map(rowText),
    ...(because === undefined ? [] : [`    here, because ${clean(because)}`]),
  ].join("\n");
}

function rowText({ field, here, captured, same }: Row): string {
  const name = field.padEnd(28);
  return same
    ? `    ${name} ${clean(here ?? "")}`
    : `  ≠ ${name} here ${clean(here ?? "nothing")}   capture ${clean(captured ?? "nothing")}`;
}
