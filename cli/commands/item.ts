import { Command } from 'commander';
import * as v from 'valibot';
import { Warnings } from '../api-views.ts';
import { type CommonOptions, command } from '../options.ts';
import type { OpenSession } from '../session.ts';

const Answer = v.looseObject({
  item: v.looseObject({ pk: v.string(), sk: v.string() }),
  warnings: Warnings,
});

export function itemCommand(open: OpenSession): Command {
  return new Command('item').description('items of the table that linkgate cannot read').addCommand(
    command('remove', 'remove one that `linkgate doctor` names; what can be read stays')
      .argument('<partition>', 'its partition key')
      .argument('<key>', 'its sort key')
      .action(async (pk: string, sk: string, common: CommonOptions) => {
        const { api, output } = await open(common);
        const answer = await api.call('DELETE', ['items'], Answer, { query: { pk, sk } });
        output.result(answer, `removed the item ${pk} ${sk}`);
        output.warn(answer.warnings);
      }),
  );
}
