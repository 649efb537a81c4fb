import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsServiceCheckQueue } from '../../lib/aws/sqs-service-check-queue.ts';
import { noon, serviceId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const queueUrl = 'https://sqs.example.com/queue';

function createStubbedQueue(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<SQSClient>(...answers);
  return { serviceCheckQueue: sqsServiceCheckQueue(client, queueUrl, () => noon), sent };
}

test('service checks are enqueued in batches of ten', async () => {
  const { serviceCheckQueue, sent } = createStubbedQueue();
  await serviceCheckQueue.enqueue(Array.from({ length: 11 }, (_, number) => serviceId(number)));
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual({
    command: 'SendMessageBatch',
    input: {
      QueueUrl: queueUrl,
      Entries: [
        {
          Id: '0',
          MessageBody: JSON.stringify({ serviceId: serviceId(10), enqueuedAt: noon.toISOString() }),
        },
      ],
    },
  });
});

test('a service check may be delayed', async () => {
  const { serviceCheckQueue, sent } = createStubbedQueue();
  await serviceCheckQueue.enqueue([serviceId(1)], { afterSeconds: 60 });
  expect(sent).toMatchObject([{ input: { Entries: [{ DelaySeconds: 60 }] } }]);
});

test('a message that SQS did not accept is an error', async () => {
  const { serviceCheckQueue } = createStubbedQueue({ Failed: [{ Id: '0', Message: 'no' }] });
  await expect(serviceCheckQueue.enqueue([serviceId(1)])).rejects.toThrow(
    '1 of 1 messages were not accepted by SQS: no',
  );
});
