import { isGroup } from '../../approval/approver-group.ts';
import { registerService, unregisterService } from '../../service/register-service.ts';
import { registeredServices } from '../../service/registered-services.ts';
import { leftBehind } from '../answers.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp } from '../env.ts';
import { bodyOf, RegisterInput, valid } from '../input.ts';
import { serviceNamed } from '../named.ts';
import { viewOfService } from '../views.ts';

export function servicesRoutes(app: ApiApp): void {
  app.get('/services', async (context) => {
    const services = await registeredServices(context.get('api').table);
    return context.json({ services: services.map(viewOfService) });
  });
  app.post('/services', async (context) => {
    const api = context.get('api');
    const input = valid(RegisterInput, await bodyOf(context), 'the registration');
    if (input.approvers !== undefined && !(await isGroup(input.approvers, api.table)))
      throw new ApiError(400, 'InvalidRequest', `there is no approver group \`${input.approvers}\``);
    const { service, warnings } = await registerService(input, api.caller, api);
    return context.json({ service: viewOfService(service), warnings });
  });
  app.get('/services/:service', async (context) =>
    context.json({
      service: viewOfService(await serviceNamed(context.req.param('service'), context.get('api'))),
    }),
  );
  app.delete('/services/:service', async (context) => {
    const api = context.get('api');
    const service = await serviceNamed(context.req.param('service'), api);
    await unregisterService(service, api);
    return context.json({ service: viewOfService(service), warnings: await leftBehind(service, api.table) });
  });
}
