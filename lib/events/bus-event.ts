import * as v from 'valibot';
import { Connection } from '../privatelink/connection.ts';
import { Drift, Service } from '../services/service.ts';
import { Finding } from '../verdicts/verdict.ts';

/** The schema version of all event details. An added field raises the minor version, an incompatible change the major one. */
export const schemaVersion = '1.0';

const Timestamp = v.pipe(v.string(), v.isoTimestamp());

const SchemaVersionField = v.pipe(
  v.string(),
  v.regex(/^1\.\d+$/),
  v.description('Within a major version fields are only added.'),
);

const DeduplicationId = v.pipe(
  v.string(),
  v.description('The same for each copy of the same event, unlike the envelope’s `id`.'),
);

/** An endpoint connection in the contract. */
const ContractConnection = v.object({
  ...Connection.entries,
  requestedAt: v.pipe(Timestamp, v.description('When the consumer created the endpoint.')),
});

const ObservedAt = v.pipe(Timestamp, v.description('When linkgate described it in EC2.'));

const ContractService = v.pick(Service, ['serviceId', 'name', 'location', 'approvers']);

export const ConnectionWaiting = v.object({
  deduplicationId: DeduplicationId,
  connection: ContractConnection,
  service: ContractService,
  verdict: v.object({
    outcome: v.pipe(
      v.picklist(['ask', 'hold']),
      v.description('`ask`: a person decides. `hold`: the service is paused, or a person may still approve.'),
    ),
    findings: v.array(Finding),
    decidedAt: Timestamp,
    until: v.exactOptional(v.pipe(Timestamp, v.description('When linkgate decides again by itself.'))),
  }),
});
export type ConnectionWaiting = v.InferOutput<typeof ConnectionWaiting>;

export const ServiceDrifted = v.object({
  deduplicationId: DeduplicationId,
  service: ContractService,
  drift: v.pipe(v.array(Drift), v.description('All current drift; empty when it was fixed.')),
  checkedAt: v.pipe(Timestamp, v.description('When EC2 was looked at.')),
});
export type ServiceDrifted = v.InferOutput<typeof ServiceDrifted>;

/** The contract for rules on the bus: the name, the cause and the detail of each event. */
export const busEvents = {
  'Connection Request': {
    publishedWhen:
      'A connection has no current verdict: it is pending in EC2, or was answered before linkgate saw it.',
    detail: v.object({
      schemaVersion: SchemaVersionField,
      connection: ContractConnection,
      observedAt: ObservedAt,
    }),
  },
  'Connection Changed': {
    publishedWhen: 'EC2 shows another state than the record.',
    detail: v.object({
      schemaVersion: SchemaVersionField,
      connection: ContractConnection,
      observedAt: ObservedAt,
      record: v.exactOptional(
        v.pipe(
          v.looseObject({}),
          v.description('linkgate’s own record. It is not part of the contract and may change.'),
        ),
      ),
    }),
  },
  'Connection Waiting': {
    publishedWhen: 'A request begins to wait: for a person, or on hold.',
    detail: v.object({ schemaVersion: SchemaVersionField, ...ConnectionWaiting.entries }),
  },
  'Service Drifted': {
    publishedWhen: 'The drift of a service changed.',
    detail: v.object({ schemaVersion: SchemaVersionField, ...ServiceDrifted.entries }),
  },
} as const;
