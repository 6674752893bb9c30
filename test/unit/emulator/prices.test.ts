import fc from 'fast-check';
import { models as bflModels } from '../../../nodes/Flux2Bfl/models';
import { tools } from '../../../nodes/Flux2Bfl/tools';
import { models as cloudflareModels } from '../../../nodes/Flux2Cloudflare/models';
import { models as falModels, type FalModel } from '../../../nodes/Flux2Fal/models';
import { models as replicateModels } from '../../../nodes/Flux2Replicate/models';
import type { Model } from '../../../nodes/shared/parameters/model';
import { estimatePrice, type PriceFacts } from '../../../nodes/shared/parameters/price';
import { priceInCredits } from '../../emulator/bfl/prices';
import { priceCatalogueModel, priceWorkersAiModel } from '../../emulator/cloudflare/prices';
import { countUnits, priceImage } from '../../emulator/fal/prices';
import type { Size } from '../../emulator/prices';
import { priceImage as priceReplicateImage } from '../../emulator/replicate/prices';

/** The emulator's bills and the nodes' estimates are worked out apart, from lists of their own: they must agree. */

type Bill = (model: string, output: Size, references: readonly Size[], steps: number) => number;

const billsOfBfl: Bill = (model, output, references) =>
	priceInCredits(model, {}, output, references)! / 100;

/** As without *Go Fast*, which the list price counts. */
const billsOfReplicate: Bill = (model, output, references) =>
	priceReplicateImage(model, output, references, false);

const billsOfFal =
	({ id, editEndpoint }: FalModel): Bill =>
	(_model, output, references) => {
		const endpoint = references.length > 0 ? editEndpoint : id;
		return priceImage(endpoint, countUnits(endpoint, output, references));
	};

const cases: Array<[title: string, model: Model, bill: Bill]> = [
	...[...bflModels, ...tools].map((model): [string, Model, Bill] => [model.id, model, billsOfBfl]),
	...cloudflareModels.map((model): [string, Model, Bill] => [
		model.id,
		model,
		model.route === 'catalog' ? priceCatalogueModel : priceWorkersAiModel,
	]),
	...falModels.map((model): [string, Model, Bill] => [model.id, model, billsOfFal(model)]),
	...replicateModels.map((model): [string, Model, Bill] => [
		`${model.id} at Replicate`,
		model,
		billsOfReplicate,
	]),
];

const size = (max: number) =>
	fc.record({ width: fc.integer({ min: 64, max }), height: fc.integer({ min: 64, max }) });
const request = fc.record({
	output: size(2048),
	references: fc.array(size(4096), { maxLength: 8 }),
	steps: fc.integer({ min: 1, max: 50 }),
});

test.each(cases.filter(([, { price }]) => price))(
	'%s costs at the emulator what the node estimates',
	(_title, model, bill) => {
		fc.assert(
			fc.property(request, ({ output, references, steps }) => {
				const facts: PriceFacts = { ...output, references, steps, images: 1 };
				const paid = Number(bill(model.id, output, references, steps).toFixed(6));
				expect(estimatePrice(model, facts)!.amount).toBeCloseTo(paid, 5);
			}),
		);
	},
);
