import { App } from 'imagebake';
import { thing } from 'constructs/thing';

thing(new App());
