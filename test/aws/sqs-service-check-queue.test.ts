import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsServiceCheckQueue } from '../../lib/aws/sqs-service-check-queue.ts';
import { noon, serviceId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const queueUrl = 'https://sqs.example.com/queue';

function bell(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<SQSClient>(...answers);
  return { serviceCheckQueue: sqsServiceCheckQueue(client, queueUrl, () => noon), sent };
}

test('services are rung for, ten a call', async () => {
  const { serviceCheckQueue, sent } = bell();
  await serviceCheckQueue.enqueue(Array.from({ length: 11 }, (_, number) => serviceId(number)));
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual({
    command: 'SendMessageBatch',
    input: {
      QueueUrl: queueUrl,
      Entries: [
        { Id: '0', MessageBody: JSON.stringify({ serviceId: serviceId(10), rungAt: noon.toISOString() }) },
      ],
    },
  });
});

test('a ring may come later', async () => {
  const { serviceCheckQueue, sent } = bell();
  await serviceCheckQueue.enqueue([serviceId(1)], { afterSeconds: 60 });
  expect(sent).toMatchObject([{ input: { Entries: [{ DelaySeconds: 60 }] } }]);
});

test('a ring that the queue did not take is not lost silently', async () => {
  const { serviceCheckQueue } = bell({ Failed: [{ Id: '0', Message: 'no' }] });
  await expect(serviceCheckQueue.enqueue([serviceId(1)])).rejects.toThrow('1 of 1 were not sent: no');
});
