import { command } from '../command.js';
export default command({ usage: 'explain', about: '', flags: {}, async run() { return 0; } });
