import type { CommandGroup } from "../command.js";
import { approve } from "./netboot/approve.js";
import { convert } from "./netboot/convert.js";
import { diff } from "./netboot/diff.js";
import { doctor } from "./netboot/doctor.js";
import { importDnsmasq } from "./netboot/import-dnsmasq.js";
import { lint } from "./netboot/lint.js";
import { machines } from "./netboot/machines.js";
import { reset } from "./netboot/reset.js";
import { retire } from "./netboot/retire.js";
import { serve } from "./netboot/serve.js";
import { show } from "./netboot/show.js";
import { simulate } from "./netboot/simulate.js";
import { watch } from "./netboot/watch.js";

export const command: CommandGroup = {
  name: "netboot",
  summary: "Boot bare metal over the network",
  description: "A lab says what boots how: a lab.yaml, a matchbox data directory, or both in one directory.",
  commands: [
    serve,
    machines,
    show,
    watch,
    approve,
    reset,
    retire,
    lint,
    simulate,
    diff,
    convert,
    importDnsmasq,
    doctor,
  ],
};
