/** The WinRM communicator. This file is the only door to the folder beside it. */
export { WinrmCommunicator } from './winrm/communicator.js';
export { openWinrm, type WinrmProps, type WinrmReach } from './winrm/open.js';
