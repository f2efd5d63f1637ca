import type { amazonAmi } from '../../constructs/data/amazon-ami.js';
import { tagsOf } from '../aws/marks.js';
import { reading } from '../aws/reading.js';
import { newest } from '../aws/source-image.js';
import type { DataDriver } from '../driver.js';

export default {
  read: (props, ctx) => reading(props, ctx, async session => {
    const image = await newest(session, props);
    return { id: image.ImageId!, name: image.Name ?? '', creationDate: image.CreationDate ?? '', owner: image.OwnerId ?? '', ownerName: image.ImageOwnerAlias ?? '', tags: tagsOf(image.Tags) };
  }),
} satisfies DataDriver<typeof amazonAmi>;
