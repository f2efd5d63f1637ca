import type { shellLocalProvisioner } from '../../constructs/provisioners/shell-local.js';
import type { Endpoint, ProvisionerDriver } from '../driver.js';
import { runHostScripts, scriptProblems } from '../host/script.js';

export default {
  effects: 'host',
  preflight: async props => scriptProblems(props),
  run: (props, guest, ctx) => runHostScripts(props, ctx, guestVariables(guest.endpoint)),
} satisfies ProvisionerDriver<typeof shellLocalProvisioner>;

/** So that the script can enter the guest by itself. */
function guestVariables(endpoint: Endpoint): { readonly [name: string]: string } {
  switch (endpoint.type) {
    case 'ssh': return {
      BAKE_GUEST: 'ssh', BAKE_GUEST_HOST: endpoint.host, BAKE_GUEST_PORT: String(endpoint.port), BAKE_GUEST_USER: endpoint.user,
      ...(endpoint.identityFile === undefined ? {} : { BAKE_GUEST_IDENTITY_FILE: endpoint.identityFile }), ...(endpoint.knownHostsFile === undefined ? {} : { BAKE_GUEST_KNOWN_HOSTS_FILE: endpoint.knownHostsFile }),
    };
    case 'docker': return { BAKE_GUEST: 'docker', BAKE_GUEST_CONTAINER: endpoint.container, ...(endpoint.dockerHost === undefined ? {} : { DOCKER_HOST: endpoint.dockerHost }) };
    case 'winrm': return { BAKE_GUEST: 'winrm', BAKE_GUEST_URL: endpoint.url, BAKE_GUEST_USER: endpoint.user };
    default: return {};
  }
}
