import { type Customer, customers, findCustomer } from '../../customers/customer.ts';
import { deliveryFailures } from '../../customers/delivery-failure.ts';
import { type Delivery, deliveryTo } from '../../customers/delivery-status.ts';
import { removeCustomer, setCustomer } from '../../customers/set-customer.ts';
import { emailOf, subscribeContact } from '../../customers/subscribe-contact.ts';
import { orReported } from '../../runtime/runtime.ts';
import { unlessUnreadable } from '../../storage/entity.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, overridesPolicyFile, revertedByNextApply } from '../caller.ts';
import type { Api, ApiApp } from '../env.ts';
import { CustomerInput, CustomerName, readBody, validated } from '../input.ts';
import { maybeReplay, replayResponse } from '../replay-response.ts';
import { pathParameter } from '../route.ts';

export function customersRoutes(app: ApiApp): void {
  app.get('/customers', async (context) =>
    context.json({
      customers: await withDelivery(await customers(context.get('api')), context.get('api')),
    }),
  );
  app.put('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = validated(CustomerName, pathParameter(context, 'name'), "the customer's name");
    const settings = validated(CustomerInput, await readBody(context), 'the customer');
    const before = await findCustomer(name, api.table);
    const managedBy = callerIs(context);
    const customer = await setCustomer(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeContact(customer, await unlessUnreadable(customers, api), api);
    return context.json({
      customer: viewOfCustomer(customer),
      warnings: [...overridesPolicyFile(before, 'customer'), ...warnings],
    });
  });
  app.delete('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = validated(CustomerName, pathParameter(context, 'name'), "the customer's name");
    const customer = await removeCustomer(name, api);
    if (!customer && !maybeReplay(context))
      throw new ApiError(
        404,
        'UnknownCustomer',
        `there is no customer ${name}; see \`linkgate customer list\``,
      );
    const hadAddress = customer === undefined || emailOf(customer).length > 0;
    const warnings = hadAddress
      ? await subscribeContact({ name }, await unlessUnreadable(customers, api), api)
      : [];
    const first = customer ? revertedByNextApply(customer, 'customer') : [replayResponse];
    return context.json({
      ...(customer && { customer: viewOfCustomer(customer) }),
      warnings: [...first, ...warnings],
    });
  });
}

/** Whether what is written to each contact arrives; left out where that cannot be found out. */
async function withDelivery(all: readonly Customer[], { table, consumerSubscriptions, reportError }: Api) {
  const isAnybodyMailed = all.some((customer) => emailOf(customer).length > 0);
  const known = await orReported(reportError, () =>
    Promise.all([
      isAnybodyMailed ? consumerSubscriptions.all() : [],
      deliveryFailures({ table, reportError }),
    ]),
  );
  return all.map((customer) => viewOfCustomer(customer, known && deliveryTo(customer, ...known)));
}

function viewOfCustomer({ version: _version, ...customer }: Customer, delivery?: Delivery) {
  return { ...customer, ...(delivery && { delivery }) };
}
