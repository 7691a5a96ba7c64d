package ecr

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"
	"time"

	"webstack/contract"
)

// stored is an image or an index in a repository.
type stored struct {
	digest string
	tags   []string
	pushed time.Time
	parts  []*stored // what an index refers to
}

// matches reports whether a rule is about the image, by its tags alone.
func (s selection) matches(image *stored) bool {
	if s.TagStatus == "untagged" {
		return len(image.tags) == 0
	}
	for _, pattern := range s.TagPatternList {
		if !slices.ContainsFunc(image.tags, func(tag string) bool {
			ok, _ := path.Match(pattern, tag)
			return ok
		}) {
			return false
		}
	}
	return s.TagStatus == "any" || len(image.tags) > 0
}

// selects returns the images that a rule would expire if it were alone.
func (s selection) selects(all []*stored, now time.Time) []*stored {
	found := slices.DeleteFunc(slices.Clone(all), func(image *stored) bool { return !s.matches(image) })
	slices.SortStableFunc(found, func(a, b *stored) int { return b.pushed.Compare(a.pushed) })
	if s.CountType == "imageCountMoreThan" {
		return found[min(len(found), s.CountNumber):]
	}
	limit := now.AddDate(0, 0, -s.CountNumber)
	return slices.DeleteFunc(found, func(image *stored) bool { return !image.pushed.Before(limit) })
}

// expire returns the images that a policy leaves, as ECR evaluates it: all rules look at all images, but only the first
// rule that an image matches can expire it, and no image expires while an index that stays refers to it.
func expire(t *testing.T, policy string, all []*stored, now time.Time) []*stored {
	t.Helper()
	var decoded struct{ Rules []rule }
	if err := json.Unmarshal([]byte(policy), &decoded); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(decoded.Rules, func(a, b rule) int { return cmp.Compare(a.RulePriority, b.RulePriority) })
	gone := map[*stored]bool{}
	for i, r := range decoded.Rules {
		for _, image := range r.Selection.selects(all, now) {
			first := slices.IndexFunc(decoded.Rules, func(r rule) bool { return r.Selection.matches(image) })
			gone[image] = gone[image] || first == i
		}
	}
	for changed := true; changed; {
		changed = false
		for _, image := range all {
			for _, part := range image.parts {
				if !gone[image] && gone[part] {
					gone[part], changed = false, true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(image *stored) bool { return gone[image] })
}

// story is the history of one app's repository.
type story struct {
	random  *rand.Rand
	now     time.Time
	count   int
	indexes bool // images are indexes with two parts
	images  []*stored
	deploys []contract.Deploy // the newest first
}

func (s *story) add(tag string, parts ...*stored) *stored {
	s.count++
	s.now = s.now.Add(time.Second)
	image := &stored{digest: fmt.Sprintf("sha256:%064x", s.count), pushed: s.now, parts: parts}
	if tag != "" {
		image.tags = []string{tag}
	}
	s.images = append(s.images, image)
	return image
}

// push pushes an image, as a build does.
func (s *story) push() {
	var parts []*stored
	if s.indexes {
		parts = []*stored{s.add(""), s.add("")}
	}
	s.add(fmt.Sprintf("v%d", s.count), parts...)
}

// find returns the image of a release, nil if it is gone or one of its parts is.
func (s *story) find(release string) *stored {
	_, digest := contract.SplitRelease(release)
	for _, image := range s.images {
		if image.digest != digest {
			continue
		}
		for _, part := range image.parts {
			if !slices.Contains(s.images, part) {
				return nil
			}
		}
		return image
	}
	return nil
}

func (s *story) live() string {
	if len(s.deploys) == 0 {
		return ""
	}
	return s.deploys[0].Release
}

func (s *story) previous() string { return contract.PreviousRelease(s.deploys, s.live()) }

// deploy deploys a release and pins its image, as the host does.
func (s *story) deploy(release string) {
	s.deploys = slices.Insert(s.deploys, 0, contract.Deploy{Release: release, Result: contract.DeploySucceeded})
	var pinned []*stored
	for _, release := range []string{s.live(), s.previous()} {
		if image := s.find(release); image != nil {
			pinned = append(pinned, image)
		}
	}
	s.add(contract.PinTagPrefix+s.now.Format("20060102t150405z"), pinned...)
}

// step does what may happen to a repository in a few days.
func (s *story) step() {
	s.now = s.now.Add(time.Duration(s.random.IntN(72)) * time.Hour)
	switch s.random.IntN(6) {
	case 0: // a busy day without a deploy
		for range 60 {
			s.push()
		}
	case 1:
		if release := s.previous(); release != "" {
			s.deploy(release)
		}
	case 2: // the same release again and again
		for range s.random.IntN(2 * keptPins) {
			s.deploy(s.live())
		}
	case 3: // any image that is left
		releases := slices.DeleteFunc(slices.Clone(s.images), func(image *stored) bool {
			return len(image.tags) == 0 || image.tags[0][0] != 'v'
		})
		image := releases[s.random.IntN(len(releases))]
		s.deploy(contract.PinRelease(image.tags[0], image.digest))
	default:
		s.push()
		image := s.images[len(s.images)-1]
		s.deploy(contract.PinRelease(image.tags[0], image.digest))
	}
}

// tell runs a random history under a policy. It returns what was lost, "" for nothing, and how many images there were at
// most that were pushed more than two weeks before.
func tell(t *testing.T, policy string, seed uint64, indexes bool) (lost string, most int) {
	t.Helper()
	s := &story{
		random: rand.New(rand.NewPCG(seed, 0)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), indexes: indexes,
	}
	s.push()
	s.deploy(contract.PinRelease(s.images[len(s.images)-1].tags[0], s.images[len(s.images)-1].digest))
	for i := range 300 {
		s.step()
		s.images = expire(t, policy, s.images, s.now)
		most = max(most, len(slices.DeleteFunc(slices.Clone(s.images), func(image *stored) bool {
			return image.pushed.After(s.now.AddDate(0, 0, -untaggedDays))
		})))
		for _, release := range []string{s.live(), s.previous()} {
			if release != "" && s.find(release) == nil {
				return fmt.Sprintf("step %d: %s expired; live is %s, previous is %s", i, release, s.live(), s.previous()), most
			}
		}
	}
	return "", most
}

func TestLiveAndPreviousImagesNeverExpire(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		for _, indexes := range []bool{false, true} {
			t.Run(fmt.Sprintf("history %d, indexes %v", seed, indexes), func(t *testing.T) {
				t.Parallel()
				lost, most := tell(t, lifecyclePolicy, seed, indexes)
				if lost != "" {
					t.Error(lost)
				}
				limit := keptPins + keptPins + keptReleases + 2*keptPins // pins, the newest, and what the pins refer to
				if indexes {
					limit *= 3
				}
				if most > limit {
					t.Errorf("%d images are left, more than %d", most, limit)
				}
			})
		}
	}
}

// Without a rule for the pins, a busy day expires them and then the images.
func TestPinsNeedTheirRule(t *testing.T) {
	t.Parallel()
	const policy = `{"rules":[{"rulePriority":1,"description":"untagged images","selection":{"tagStatus":"untagged",` +
		`"countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}},` +
		`{"rulePriority":2,"description":"old releases","selection":{"tagStatus":"tagged","tagPatternList":["*"],` +
		`"countType":"imageCountMoreThan","countNumber":30},"action":{"type":"expire"}}]}`
	if lost, _ := tell(t, policy, 1, false); lost == "" {
		t.Error("nothing was lost")
	}
}
