import { contactTroubles } from '../../customer/contact-trouble.ts';
import { type Customer, customers, findCustomer } from '../../customer/customer.ts';
import { type Delivery, deliveryTo } from '../../customer/delivery.ts';
import { removeCustomer, setCustomer } from '../../customer/set-customer.ts';
import { emailOf, subscribeContact } from '../../customer/subscribe-contact.ts';
import { orReport } from '../../invocation.ts';
import { unlessUnreadable } from '../../table/item.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, putBackByFile, takenFromFile } from '../caller.ts';
import type { Api, ApiApp } from '../env.ts';
import { doneAlready, mayBeDoneAlready } from '../idempotency.ts';
import { bodyOf, CustomerInput, CustomerName, valid } from '../input.ts';
import { pathParameter } from '../route.ts';

export function customersRoutes(app: ApiApp): void {
  app.get('/customers', async (context) =>
    context.json({
      customers: await withDelivery(await customers(context.get('api')), context.get('api')),
    }),
  );
  app.put('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = valid(CustomerName, pathParameter(context, 'name'), "the customer's name");
    const settings = valid(CustomerInput, await bodyOf(context), 'the customer');
    const before = await findCustomer(name, api.table);
    const managedBy = callerIs(context);
    const customer = await setCustomer(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeContact(customer, await unlessUnreadable(customers, api), api);
    return context.json({
      customer: viewOfCustomer(customer),
      warnings: [...takenFromFile(before, 'customer'), ...warnings],
    });
  });
  app.delete('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = valid(CustomerName, pathParameter(context, 'name'), "the customer's name");
    const customer = await removeCustomer(name, api);
    if (!customer && !mayBeDoneAlready(context))
      throw new ApiError(
        404,
        'UnknownCustomer',
        `there is no customer ${name}; see \`linkgate customer list\``,
      );
    const hadAddress = customer === undefined || emailOf(customer).length > 0;
    const warnings = hadAddress
      ? await subscribeContact({ name }, await unlessUnreadable(customers, api), api)
      : [];
    const first = customer ? putBackByFile(customer, 'customer') : [doneAlready];
    return context.json({
      ...(customer && { customer: viewOfCustomer(customer) }),
      warnings: [...first, ...warnings],
    });
  });
}

/** Whether what is written to each contact arrives; left out where that cannot be found out. */
async function withDelivery(all: readonly Customer[], { table, consumerSubscriptions, report }: Api) {
  const isAnybodyMailed = all.some((customer) => emailOf(customer).length > 0);
  const known = await orReport(report, () =>
    Promise.all([isAnybodyMailed ? consumerSubscriptions.all() : [], contactTroubles({ table, report })]),
  );
  return all.map((customer) => viewOfCustomer(customer, known && deliveryTo(customer, ...known)));
}

function viewOfCustomer({ version: _version, ...customer }: Customer, delivery?: Delivery) {
  return { ...customer, ...(delivery && { delivery }) };
}
