import { expect, test } from 'vitest';
import { metAddress, reportedAddress } from '../../../../lib/runtime/sources/qemu/bridge.js';

const mac = '52:54:00:aa:bb:cc', card = (...ips: string[]) => [
  { 'hardware-address': '00:00:00:00:00:00', 'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4' }] },
  { 'hardware-address': mac.toUpperCase(), 'ip-addresses': ips.map(ip => ({ 'ip-address': ip, 'ip-address-type': ip.includes(':') ? 'ipv6' : 'ipv4' })) },
];

test('of the addresses that an agent reports, the one that leads farthest is taken, of the right card', () => {
  expect(reportedAddress(card('fe80::1', '2001:db8::5', '192.168.1.20'), mac, 'br0')).toBe('192.168.1.20');
  expect(reportedAddress(card('fe80::1', '2001:db8::5', '169.254.3.4'), mac, 'br0')).toBe('2001:db8::5');
  expect(reportedAddress(card('fe80::1'), mac, 'br0')).toBe('fe80::1%br0');
  expect(reportedAddress(card(), mac, 'br0')).toBeUndefined();
  expect(reportedAddress([], mac, 'br0')).toBeUndefined();
});

test('an address that this computer has met is known by the card and the bridge; one that never answered is none', () => {
  const table = ['IP address       HW type     Flags       HW address            Mask     Device', `192.168.1.9      0x1         0x0         ${mac}     *        br0`,
    `192.168.2.9      0x1         0x2         ${mac}     *        br1`, `192.168.1.20     0x1         0x2         ${mac}     *        br0`, ''].join('\n');
  expect(metAddress(table, mac, 'br0')).toBe('192.168.1.20');
  expect(metAddress(table, '52:54:00:00:00:01', 'br0')).toBeUndefined();
});
