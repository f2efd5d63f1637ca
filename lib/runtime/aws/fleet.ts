/** A spot instance of one of several types: an instant fleet of one, from a launch template that is gone right after. */
import type { RequestLaunchTemplateData, SpotAllocationStrategy, _InstanceType } from '@aws-sdk/client-ec2';
import type { ResolvedOf } from '../../fields.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import type { LaunchFacts } from './instance.js';
import { type Maker, make } from './making.js';
import { specifications } from './marks.js';

type Props = Pick<ResolvedOf<AwsInstanceFields>, 'spotInstanceTypes' | 'spotPrice' | 'spotAllocationStrategy' | 'fleetTags' | 'availabilityZone'>;
type Tags = (more?: { readonly [key: string]: string }) => { Key?: string | undefined; Value?: string | undefined }[];

export async function requestFleet(maker: Maker, props: Props, { place }: LaunchFacts, data: RequestLaunchTemplateData, mark: string, tags: Tags): Promise<{ readonly id: string; readonly type: string } | { readonly refused: string }> {
  const { session } = maker;
  const template = await make(maker, 'launch-template', { name: `imagebake ${maker.owner.target}` }, async (templateTags, templateMark) => {
    const { LaunchTemplate } = await session.ec2('CreateLaunchTemplate', {
      LaunchTemplateName: `imagebake-${templateMark}`, ClientToken: templateMark, LaunchTemplateData: data, TagSpecifications: specifications(['launch-template'], templateTags()),
    });
    return { id: LaunchTemplate!.LaunchTemplateId!, value: undefined };
  });
  try {
    const answer = await session.ec2('CreateFleet', {
      Type: 'instant', ClientToken: mark,
      LaunchTemplateConfigs: [{
        LaunchTemplateSpecification: { LaunchTemplateId: template.id, Version: '1' },
        Overrides: props.spotInstanceTypes!.map((type, i) => ({
          InstanceType: type as _InstanceType, Priority: i, ...(place.subnetId === undefined ? {} : { SubnetId: place.subnetId }),
          ...(props.availabilityZone === undefined || place.subnetId !== undefined ? {} : { AvailabilityZone: props.availabilityZone }),
          ...(props.spotPrice === undefined || props.spotPrice === 'auto' ? {} : { MaxPrice: props.spotPrice }),
        })),
      }],
      SpotOptions: { AllocationStrategy: (props.spotAllocationStrategy ?? 'capacity-optimized-prioritized') as SpotAllocationStrategy },
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'spot' },
      TagSpecifications: specifications(['fleet'], tags(props.fleetTags)),
    }, { fresh: true });
    const found = answer.Instances?.[0], id = found?.InstanceIds?.[0];
    if (id !== undefined) return { id, type: found?.InstanceType ?? 'of some type' };
    return { refused: (answer.Errors ?? []).map(e => `${e.LaunchTemplateAndOverrides?.Overrides?.InstanceType ?? 'Fleet'}: ${e.ErrorMessage} (${e.ErrorCode}).`).join(' ') || 'The fleet has no instance, and EC2 does not say why.' };
  } finally {
    await template.remove();
  }
}
