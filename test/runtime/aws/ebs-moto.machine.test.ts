import { ec2Contract } from '../../contracts/ec2.js';
import { requires } from '../../support/machine.js';
import { startMoto } from '../../support/moto/moto.js';

requires('sshd', 'moto')('the AMI builder, on moto', () => ec2Contract(guests => startMoto({ guests })));
