import { isGroup } from '../approval/approver-group.ts';
import type { Invocation } from '../invocation.ts';
import type { Place } from '../place.ts';
import { driftOf } from '../service/drift.ts';
import type { EndpointServices, ServiceConfiguration } from '../service/endpoint-services.ts';
import type { Drift, Service } from '../service/service.ts';
import type { Table } from '../table/table.ts';
import { type Check, type Examinations, examine, failed, ok, type Result, warning } from './check.ts';

export interface ExaminingServices extends Invocation {
  readonly table: Table;
  readonly servicesIn: (place: Place) => EndpointServices;
}

interface DriftCheck {
  readonly drifts: readonly Drift['check'][];
  readonly inOrder: string;
  readonly severity: 'warning' | 'failed';
  readonly remedy: (serviceId: string) => string;
}

const repair = (serviceId: string) => `linkgate service add ${serviceId}`;

const driftChecks: Readonly<Record<string, DriftCheck>> = {
  acceptance: {
    drifts: ['acceptance-is-not-required'],
    inOrder: 'acceptance is required',
    severity: 'failed',
    remedy: (serviceId) =>
      `aws ec2 modify-vpc-endpoint-service-configuration --service-id ${serviceId} --acceptance-required`,
  },
  principals: {
    drifts: ['principal-is-everyone'],
    inOrder: 'the allowed principals are named',
    severity: 'warning',
    remedy: (serviceId) =>
      `where not every account shall ask: aws ec2 modify-vpc-endpoint-service-permissions --service-id ${serviceId} --remove-allowed-principals '*' --add-allowed-principals arn:aws:iam::<accountId>:root`,
  },
  tag: {
    drifts: ['tag-is-missing'],
    inOrder: 'the tag that lets linkgate act is there',
    severity: 'failed',
    remedy: repair,
  },
  notification: {
    drifts: ['notification-is-missing', 'notification-is-disabled', 'notification-lacks-events'],
    inOrder: 'the connection notification rings for all four events',
    severity: 'failed',
    remedy: repair,
  },
};

/** A service as EC2 shows it now, not as it was last recorded. */
export async function examineService(service: Service, deps: ExaminingServices): Promise<Check[]> {
  const { serviceId, name, place, topicArn } = service;
  const subject = name === serviceId ? serviceId : `${name} (${serviceId})`;
  let configuration: ServiceConfiguration | undefined;
  try {
    configuration = await deps.servicesIn(place).describe(serviceId);
  } catch (error) {
    return examine('services', subject, { service: () => Promise.reject(error) }, deps);
  }
  const examinations: Examinations = {
    service: () => examineState(serviceId, configuration),
    ...(configuration && examinationsOf(serviceId, driftOf(configuration, topicArn))),
    approvers: () => examineApprovers(service, deps.table),
    paused: () => examinePause(service),
  };
  return examine('services', subject, examinations, deps);
}

function examinationsOf(serviceId: string, drift: readonly Drift[]): Examinations {
  return Object.fromEntries(
    Object.entries(driftChecks).map(([name, { drifts, inOrder, severity, remedy }]) => {
      const found = drift.find(({ check }) => drifts.includes(check));
      const result: Result = found
        ? { status: severity, detail: found.detail, remedy: remedy(serviceId) }
        : ok(inOrder);
      return [name, () => result];
    }),
  );
}

function examineState(serviceId: string, configuration: ServiceConfiguration | undefined): Result {
  if (!configuration)
    return failed('EC2 does not list the service any more', `linkgate service remove ${serviceId}`);
  return configuration.state === 'Available'
    ? ok('EC2 shows it as Available')
    : failed(
        `EC2 shows it as ${configuration.state}`,
        `aws ec2 describe-vpc-endpoint-service-configurations --service-ids ${serviceId} shows what it waits for`,
      );
}

async function examineApprovers({ serviceId, approvers }: Service, table: Table): Promise<Result> {
  return (await isGroup(approvers, table))
    ? ok(`${approvers} is asked`)
    : failed(
        `there is no approver group ${approvers}`,
        `linkgate approvers set ${approvers}, or linkgate service add ${serviceId} --approvers <group>`,
      );
}

function examinePause({ name, pausedAt, pausedBy, pauseReason }: Service): Result {
  if (pausedAt === undefined) return ok('requests are decided');
  const why = pauseReason === undefined ? '' : `: ${pauseReason}`;
  return warning(
    `paused since ${pausedAt} by ${pausedBy ?? 'nobody knows whom'}${why}`,
    `linkgate resume ${name}`,
  );
}
