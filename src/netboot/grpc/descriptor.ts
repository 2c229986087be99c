import { fromJSON } from "@grpc/proto-loader";

/**
 * Matchbox's gRPC: the packages storagepb (what is stored), serverpb (requests and replies) and rpcpb (services), as protobuf
 * descriptors. Numbers and names are what its clients, bootcmd and Terraform's provider, were built with.
 */

type Namespace = Parameters<typeof fromJSON>[0];
type Field = { type: string; id: number; rule?: string; keyType?: string };

const scalar = (type: string, id: number): Field => ({ type, id });
const repeated = (type: string, id: number): Field => ({ rule: "repeated", type, id });
const stringMap = (id: number): Field => ({ keyType: "string", type: "string", id });

const message = (fields: Record<string, Field> = {}) => ({ fields });

const storage = {
  Group: message({
    id: scalar("string", 1),
    name: scalar("string", 2),
    profile: scalar("string", 3),
    selector: stringMap(4),
    // JSON
    metadata: scalar("bytes", 5),
  }),
  Profile: message({
    id: scalar("string", 1),
    name: scalar("string", 2),
    ignitionId: scalar("string", 3),
    cloudId: scalar("string", 4),
    boot: scalar("NetBoot", 5),
    genericId: scalar("string", 6),
  }),
  // 3 was the kernel's arguments in another form.
  NetBoot: message({
    kernel: scalar("string", 1),
    initrd: repeated("string", 2),
    args: repeated("string", 4),
  }),
};

const stored = (name: string, type: string, plural: string) => {
  const field = name.toLowerCase();
  return {
    [`${name}PutRequest`]: message({ [field]: scalar(type, 1) }),
    [`${name}PutResponse`]: message(),
    [`${name}GetRequest`]: message({ id: scalar("string", 1) }),
    [`${name}GetResponse`]: message({ [field]: scalar(type, 1) }),
    [`${name}DeleteRequest`]: message({ id: scalar("string", 1) }),
    [`${name}DeleteResponse`]: message(),
    [`${name}ListRequest`]: message(),
    [`${name}ListResponse`]: message({ [plural]: repeated(type, 1) }),
  };
};

const text = (name: string) => ({
  [`${name}PutRequest`]: message({ name: scalar("string", 1), config: scalar("bytes", 2) }),
  [`${name}PutResponse`]: message(),
  [`${name}GetRequest`]: message({ name: scalar("string", 1) }),
  [`${name}GetResponse`]: message({ config: scalar("bytes", 1) }),
  [`${name}DeleteRequest`]: message({ name: scalar("string", 1) }),
  [`${name}DeleteResponse`]: message(),
});

const selection = (name: string, field: string, type: string) => ({
  [`Select${name}Request`]: message({ labels: stringMap(1) }),
  [`Select${name}Response`]: message({ [field]: scalar(type, 1) }),
});

const service = (...methods: readonly string[]) => ({
  methods: Object.fromEntries(
    methods.map((name) => [
      name,
      {
        requestType: `serverpb.${name}Request`,
        responseType: `serverpb.${name}Response`,
        comment: "", // protobufjs's type wants one
      },
    ]),
  ),
});

const packages: NonNullable<Namespace["nested"]> = {
  storagepb: { nested: storage },
  serverpb: {
    nested: {
      ...stored("Group", "storagepb.Group", "groups"),
      ...stored("Profile", "storagepb.Profile", "profiles"),
      ...text("Ignition"),
      ...text("Generic"),
      ...selection("Group", "group", "storagepb.Group"),
      ...selection("Profile", "profile", "storagepb.Profile"),
    },
  },
  rpcpb: {
    nested: {
      Groups: service("GroupPut", "GroupGet", "GroupDelete", "GroupList"),
      Profiles: service("ProfilePut", "ProfileGet", "ProfileDelete", "ProfileList"),
      Ignition: service("IgnitionPut", "IgnitionGet", "IgnitionDelete"),
      Generic: service("GenericPut", "GenericGet", "GenericDelete"),
      Select: service("SelectGroup", "SelectProfile"),
    },
  },
};

/** Absent fields are there, empty, as in Go. */
export const matchboxPackages = () =>
  fromJSON({ nested: packages }, { defaults: true, arrays: true, objects: true, bytes: Buffer });
