/** The contract of communicators with every exit code, a file of 1 GB and a minute and a half of silence: `npm run soak -- communicators`. */
import './docker.machine.test.js';
import './local.machine.test.js';
import './ssh.machine.test.js';
