import {
  AcceptVpcEndpointConnectionsCommand,
  DescribeVpcEndpointConnectionsCommand,
  type DescribeVpcEndpointConnectionsResult,
} from '@aws-sdk/client-ec2';
import { noon, topicArn } from '../../test/builders.ts';
import { simulatedClock } from './clock.ts';
import { simulatedEc2 } from './ec2.ts';
import type { Outcome } from './linkgate.ts';

/** A typical script: lists pending connections and accepts them one by one. The next round retries throttled ones. */
export async function runAcceptLoop(requests: number): Promise<Outcome> {
  const clock = simulatedClock(noon.getTime());
  const calls = new Map<string, number>();
  const ec2 = simulatedEc2(
    clock,
    (name) => calls.set(name, (calls.get(name) ?? 0) + 1),
    () => {},
  );
  const client = ec2.client();
  const { serviceId, begin } = ec2.burst(requests, topicArn);
  begin();

  async function listPendingEndpointIds(): Promise<string[]> {
    const endpointIds: string[] = [];
    let NextToken: string | undefined;
    do {
      const page: DescribeVpcEndpointConnectionsResult = await client.send(
        new DescribeVpcEndpointConnectionsCommand({
          Filters: [{ Name: 'vpc-endpoint-state', Values: ['pendingAcceptance'] }],
          MaxResults: 1_000,
          ...(NextToken !== undefined && { NextToken }),
        }),
      );
      endpointIds.push(
        ...(page.VpcEndpointConnections ?? []).flatMap(({ VpcEndpointId }) => VpcEndpointId ?? []),
      );
      NextToken = page.NextToken;
    } while (NextToken);
    return endpointIds;
  }

  let isDone = false;
  async function run(): Promise<void> {
    for (
      let pendingIds = await listPendingEndpointIds();
      pendingIds.length > 0;
      pendingIds = await listPendingEndpointIds()
    )
      for (const endpointId of pendingIds)
        await client
          .send(
            new AcceptVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [endpointId] }),
          )
          .catch(() => undefined);
    isDone = true;
  }
  void run();
  await clock.runUntil(() => isDone);
  return { seconds: (clock.now() - noon.getTime()) / 1000, calls };
}
