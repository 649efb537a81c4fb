// Runs cdk-nag's AwsSolutions pack on a template. Fails on a finding that is no exception, and on an exception
// that no longer applies.
import { App, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { AwsSolutionsChecks } from 'cdk-nag';
import { exceptions } from './nag-exceptions.mjs';

const [templateFile] = process.argv.slice(2);
const stack = new Stack(new App({ analyticsReporting: false }), 'linkgate');
new CfnInclude(stack, 'Template', { templateFile });

const findings = new AwsSolutionsChecks()
  .validateScope(stack)
  .violations.flatMap(({ ruleName, description, violatingResources }) =>
    violatingResources.map(({ constructPath }) => ({
      rule: ruleName,
      resource: constructPath.split('/').at(-1),
      description,
    })),
  );
const excused = exceptions.flatMap(({ rule, on }) => on.map((resource) => ({ rule, resource })));
const covers = ({ rule, resource }, finding) =>
  finding.rule.startsWith(rule) && finding.resource === resource;

const problems = [
  ...findings
    .filter((finding) => !excused.some((exception) => covers(exception, finding)))
    .map(({ rule, resource, description }) => `${resource}: ${rule}: ${description}`),
  ...excused
    .filter((exception) => !findings.some((finding) => covers(exception, finding)))
    .map(({ rule, resource }) => `${resource}: the exception of ${rule} applies no longer: take it out`),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${findings.length} findings, each of which is among the exceptions`);
process.exit(problems.length === 0 ? 0 : 1);
