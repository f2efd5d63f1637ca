import { ec2Contract } from '../../contracts/ec2.js';
import { startEc2 } from '../../support/ec2-server/server.js';
import { requires } from '../../support/machine.js';

requires('sshd')('the AMI builder, on the strict server', () => ec2Contract(guests => startEc2({ guests, speed: 1000 })));
